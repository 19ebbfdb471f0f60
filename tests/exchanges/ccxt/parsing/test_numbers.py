from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import money
from app.exchanges.ccxt.parsing.numbers import amount, exact, milliseconds, moment, positive, text

_NUMBERS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value="-1e18", max_value="1e18", places=18
)


@given(_NUMBERS)
def test_a_number_comes_back_exactly_as_it_went_out(number: Decimal) -> None:
    assert exact(money.plain(number)) == number


@given(st.floats() | st.booleans() | st.none() | st.decimals() | st.lists(st.text()))
def test_what_is_no_text_and_no_whole_number_is_not_taken(value: object) -> None:
    assert exact(value) is None


@given(st.text())
def test_no_text_at_all_does_harm(value: str) -> None:
    number = exact(value)
    assert number is None or number.is_finite()


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "sNaN", "1e39", "1e-39", "1" * 39, "", "twelve", "0x10"],
)
def test_an_absurd_number_is_none(value: str) -> None:
    assert exact(value) is None


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("0.01000000", "0.01"), ("1e-8", "0.00000001"), ("12", "12"), (13, "13"), ("-0", "0")],
)
def test_numbers_are_read_in_every_notation_that_exchanges_use(
    value: str | int, wanted: str
) -> None:
    assert exact(value) == Decimal(wanted)


def test_an_amount_is_not_negative_and_a_price_is_above_zero() -> None:
    assert amount("-0.1") is None
    assert amount("0") == Decimal(0)
    assert positive("0") is None
    assert positive("0.1") == Decimal("0.1")


@given(st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_time_comes_back_to_the_millisecond(at: datetime) -> None:
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert moment(milliseconds(at)) == at
    assert moment(str(milliseconds(at))) == at


@pytest.mark.parametrize("value", [None, 0, -1, "soon", 10**18, float(10**12)])
def test_what_is_no_time_is_none(value: object) -> None:
    assert moment(value) is None


def test_an_empty_name_is_none() -> None:
    assert text({"id": ""}, "id") is None
    assert text({"id": 7}, "id") is None
    assert text({}, "id") is None
    assert text({"id": "7"}, "id") == "7"
