"""Catalog: the available strategies, the files they come from, and the files refused."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from app.strategies.built_in import BUILT_IN
from app.strategies.interface import MOST_CANDLES, Parameters, Strategy
from app.strategies.parameters import BadParameter, as_text, read

MOST_DESCRIPTION = 500
_NAME = re.compile(r"[a-z0-9_-]{1,64}")


class InvalidStrategy(Exception):
    """A strategy that does not follow the interface."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyInfo:
    """A strategy's name, description and parameters, as the API shows them."""

    name: str
    description: str
    # As JSON Schema.
    parameters: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileReport:
    """The result of loading one file: its strategies, or why it is refused."""

    file: Path
    strategies: tuple[StrategyInfo, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """All strategies by name, the files of the user's own, and refused files with the reason."""

    strategies: Mapping[str, StrategyInfo]
    files: Mapping[str, Path] = field(default_factory=dict)
    broken: Mapping[Path, str] = field(default_factory=dict)


def info_of(strategy: Strategy) -> StrategyInfo:
    """The strategy's description of itself. Raises InvalidStrategy if it is unusable."""
    kind = type(strategy)
    name, description = getattr(kind, "name", None), getattr(kind, "description", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidStrategy(f"{kind.__name__}.name must be 1 to 64 of a-z 0-9 _ -")
    if not isinstance(description, str) or not 1 <= len(description) <= MOST_DESCRIPTION:
        raise InvalidStrategy(
            f"{kind.__name__}.description must have 1 to {MOST_DESCRIPTION} characters"
        )
    if not isinstance(kind.Parameters, type) or not issubclass(kind.Parameters, Parameters):
        raise InvalidStrategy(f"{kind.__name__}.Parameters must be made from interface.Parameters")
    # Parameters without defaults can only be checked when they are given.
    with suppress(BadParameter):
        candles_needed(strategy, read(kind.Parameters, as_text({})))
    schema = kind.Parameters.model_json_schema()
    return StrategyInfo(name=name, description=description, parameters=schema)


def candles_needed(strategy: Strategy, parameters: Parameters) -> int:
    count = strategy.candles_needed(parameters)
    if type(count) is not int or not 1 <= count <= MOST_CANDLES:
        raise InvalidStrategy(
            f"candles_needed answered {count!r:.50} instead of 1 to {MOST_CANDLES}"
        )
    return count


def catalog_of(reports: Iterable[FileReport]) -> Catalog:
    """The built-in strategies and those of the files; if two share a name, the first one wins."""
    strategies = dict(_built_in())
    files: dict[str, Path] = {}
    broken: dict[Path, str] = {}
    for report in reports:
        names = [info.name for info in report.strategies]
        taken = next((name for name in names if name in strategies or names.count(name) > 1), None)
        if report.refused is not None:
            broken[report.file] = report.refused
        elif taken is not None:
            broken[report.file] = f"a strategy called {taken} exists already"
        else:
            strategies |= {info.name: info for info in report.strategies}
            files |= dict.fromkeys(names, report.file)
    return Catalog(strategies=strategies, files=files, broken=broken)


@cache
def _built_in() -> Mapping[str, StrategyInfo]:
    return {name: info_of(strategy) for name, strategy in BUILT_IN.items()}
