from decimal import Decimal, Inexact, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import money

DECIMALS = st.decimals(
    min_value=-(10**20), max_value=10**20, places=18, allow_nan=False, allow_infinity=False
)
POSITIVE = DECIMALS.map(abs).filter(bool)


@given(left=DECIMALS, right=DECIMALS)
def test_sums_and_products_are_exact(left: Decimal, right: Decimal) -> None:
    assert Fraction(money.add(left, right)) == Fraction(left) + Fraction(right)
    assert Fraction(money.subtract(left, right)) == Fraction(left) - Fraction(right)
    assert Fraction(money.multiply(left, right)) == Fraction(left) * Fraction(right)


@given(values=st.lists(DECIMALS, max_size=20))
def test_a_total_does_not_depend_on_the_order(values: list[Decimal]) -> None:
    assert money.total(values) == money.total(reversed(values))
    assert Fraction(money.total(values)) == sum(map(Fraction, values))


def test_the_context_of_the_caller_rounds_nothing() -> None:
    with localcontext() as context:
        context.prec = 3
        assert money.add(Decimal(1234567), Decimal("0.0000001")) == Decimal("1234567.0000001")


def test_what_could_not_be_exact_raises_instead_of_rounding() -> None:
    tiny = Decimal(1).scaleb(-150)
    with pytest.raises(Inexact):
        money.add(Decimal(10) ** 100, tiny)


@given(numerator=DECIMALS, denominator=POSITIVE)
def test_quotients_have_eighteen_places_and_the_nearest_value(
    numerator: Decimal, denominator: Decimal
) -> None:
    quotient = money.divide(numerator, denominator)
    error = abs(Fraction(quotient) - Fraction(numerator) / Fraction(denominator))
    assert error <= Fraction(1, 2 * 10**18)


@given(part=DECIMALS, whole=POSITIVE)
def test_percentages_have_six_places_and_the_nearest_value(part: Decimal, whole: Decimal) -> None:
    percent = money.percent(part, whole)
    error = abs(Fraction(percent) - 100 * Fraction(part) / Fraction(whole))
    assert error <= Fraction(1, 2 * 10**6)
    assert percent.as_tuple().exponent == -6


@given(value=POSITIVE, step=POSITIVE)
def test_the_nearest_steps_enclose_the_value(value: Decimal, step: Decimal) -> None:
    below, above = money.floor_to_step(value, step), money.ceil_to_step(value, step)
    assert below <= value <= above
    assert money.is_on_step(below, step)
    assert money.is_on_step(above, step)
    assert (below == above) == money.is_on_step(value, step)
    assert money.subtract(above, below) in {money.ZERO, step}


@given(value=DECIMALS)
def test_plain_notation_has_one_form_and_loses_nothing(value: Decimal) -> None:
    text = money.plain(value)
    assert Decimal(text) == value
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith(("0", ".")))
    assert text != "-0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E+3", "1000"),
        ("-0.00", "0"),
        ("100", "100"),
        ("0.10", "0.1"),
        ("1E-18", "0.000000000000000001"),
        ("0.30000000000000004", "0.30000000000000004"),
    ],
)
def test_plain_notation_of(value: str, text: str) -> None:
    assert money.plain(Decimal(value)) == text
