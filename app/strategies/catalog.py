"""Which strategies there are, which files they come from, and which files were refused."""

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
    """A strategy that is not as an author was told to write it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyInfo:
    """What a trader needs to know of a strategy."""

    name: str
    description: str
    # As JSON Schema.
    parameters: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileReport:
    """What looking at one file brought: its strategies, or why it is refused."""

    file: Path
    strategies: tuple[StrategyInfo, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """Every strategy by name; where an own one comes from; files that were refused, and why."""

    strategies: Mapping[str, StrategyInfo]
    files: Mapping[str, Path] = field(default_factory=dict)
    broken: Mapping[Path, str] = field(default_factory=dict)


def info_of(strategy: Strategy) -> StrategyInfo:
    """What it says of itself; Nonsense where that cannot be used."""
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
    # Parameters without defaults are asked about when they are given.
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


def catalog_of(looks: Iterable[FileReport]) -> Catalog:
    """The built-in strategies and those of the files; of two with one name the first stands."""
    strategies = dict(_built_in())
    files: dict[str, Path] = {}
    broken: dict[Path, str] = {}
    for look in looks:
        names = [info.name for info in look.strategies]
        taken = next((name for name in names if name in strategies or names.count(name) > 1), None)
        if look.refused is not None:
            broken[look.file] = look.refused
        elif taken is not None:
            broken[look.file] = f"a strategy called {taken} exists already"
        else:
            strategies |= {info.name: info for info in look.strategies}
            files |= dict.fromkeys(names, look.file)
    return Catalog(strategies=strategies, files=files, broken=broken)


@cache
def _built_in() -> Mapping[str, StrategyInfo]:
    return {name: info_of(strategy) for name, strategy in BUILT_IN.items()}
