"""Charges some requests of an exchange more than ccxt does."""

from collections.abc import Callable, Mapping
from typing import Any

Cost = Callable[..., float]


def charging(cost_of: Cost, costs: Mapping[tuple[str, str], float]) -> Cost:
    """What ccxt reckons a request costs, or what it costs by its method and path."""

    def cost(api: Any, method: str, path: str, *others: Any) -> float:
        return costs.get((method, path)) or cost_of(api, method, path, *others)

    return cost
