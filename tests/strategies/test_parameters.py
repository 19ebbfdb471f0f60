import math
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import Field, model_validator

from app.strategies.built_in import BUILT_IN
from app.strategies.interface import Parameters
from app.strategies.parameters import BadParameter, as_text, read


def refused(model: type[Parameters], raw: Any) -> tuple[tuple[str, ...], str]:
    with pytest.raises(BadParameter) as caught:
        read(model, as_text(raw))
    return caught.value.path, caught.value.words


@pytest.mark.parametrize(
    ("name", "raw", "field", "words"),
    [
        ("moving-average-cross", {"fast": 0}, "fast", "a whole number at least 1 and at most 249"),
        ("moving-average-cross", {"fast": "7"}, "fast", "a whole number at least 1"),
        ("moving-average-cross", {"fast": True}, "fast", "a whole number at least 1"),
        ("moving-average-cross", {"fast": 7.5}, "fast", "a whole number at least 1"),
        ("moving-average-cross", {"fast": None}, "fast", "a whole number at least 1"),
        ("moving-average-cross", {"fast": 10**400}, "fast", "a whole number at least 1"),
        ("moving-average-cross", {"kind": "wma"}, "kind", "must be one of sma, ema"),
        ("moving-average-cross", {"fast": 60}, "slow", "slow must be above fast, which is 60"),
        ("moving-average-cross", {"slow": 20}, "slow", "slow must be above fast, which is 20"),
        ("moving-average-cross", {"fats": 3}, "fats", "known are fast, slow, kind"),
        ("rsi-reversion", {"buy_below": 80}, "sell_above", "must be above buy_below, which is 80"),
        ("rsi-reversion", {"buy_below": math.inf}, "buy_below", "a number above 0 and below 100"),
        ("rsi-reversion", {"buy_below": math.nan}, "buy_below", "a number above 0 and below 100"),
        ("donchian-breakout", {"entry": 5}, "exit", "exit must be at most entry, which is 5"),
        ("dollar-cost-averaging", {"part": 0}, "part", "a number above 0 and at most 1"),
    ],
)
def test_a_bad_parameter_is_named_with_what_it_may_be(
    name: str, raw: dict[str, Any], field: str, words: str
) -> None:
    path, told = refused(BUILT_IN[name].Parameters, raw)
    assert path == (field,)
    assert words in told


def test_a_whole_number_is_a_number_too() -> None:
    given = read(BUILT_IN["rsi-reversion"].Parameters, as_text(MappingProxyType({"buy_below": 20})))
    assert given.model_dump()["buy_below"] == 20.0


class Odd(Parameters):
    """Of the kinds that the built-in ones do not have."""

    needed: bool
    levels: tuple[float, float] = (1.0, 2.0)
    label: str | None = Field(default=None, max_length=3)

    @model_validator(mode="after")
    def _is_even(self) -> "Odd":
        if self.levels[0] > self.levels[1]:
            raise ValueError("want their levels in order")
        return self


class Nothing(Parameters):
    """A strategy that cannot be set."""


def test_what_an_author_asks_for_is_told_as_well() -> None:
    assert refused(Odd, {}) == (("needed",), "needed is missing")
    assert refused(Odd, {"needed": 1}) == (("needed",), "needed must be true or false")
    assert refused(Odd, {"needed": True, "levels": [1, "x"]}) == (
        ("levels", "1"),
        "levels.1 must be a list",
    )
    assert refused(Odd, {"needed": True, "levels": [2, 1]}) == (
        (),
        "parameters want their levels in order",
    )
    assert refused(Odd, {"needed": True, "label": "long"})[1].startswith("label must be as the")
    assert refused(Nothing, {"x": 1}) == (("x",), "x is not a parameter: known are none")
    assert read(Odd, as_text({"needed": True, "levels": [1, 2]})).levels == (1.0, 2.0)
