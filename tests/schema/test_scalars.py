import json
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError
from hypothesis import example, given
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig

from schema.build import Schema
from schema.scalars import SCALARS, Cursor


@strawberry.input
class Values:
    decimals: list[Decimal] | None = None
    moment: datetime | None = None


@strawberry.type
class Query:
    @strawberry.field
    def decimal(self, value: Decimal) -> Decimal:
        return value

    @strawberry.field
    def moment(self, value: datetime) -> datetime:
        return value

    @strawberry.field
    def cursor(self, value: Cursor) -> Cursor:
        return value

    @strawberry.field
    def many(self, values: Values) -> list[Decimal] | None:
        return values.decimals


ECHO = Schema(
    query=Query, config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)
)
TYPES = {"decimal": "Decimal", "moment": "DateTime", "cursor": "Cursor"}


def written(field: str, literal: str) -> Any:
    return answer(f"{{ {field}(value: {literal}) }}")[field]


def sent(field: str, value: object) -> Any:
    query = f"query ($value: {TYPES[field]}!) {{ {field}(value: $value) }}"
    return answer(query, {"value": value})[field]


def answer(query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    result = ECHO.execute_sync(query, variable_values=variables)
    assert result.errors is None
    assert result.data is not None
    return result.data


def refusal(query: str, variables: dict[str, Any] | None = None) -> GraphQLError:
    result = ECHO.execute_sync(query, variable_values=variables)
    assert result.data is None
    assert result.errors is not None
    [error] = result.errors
    return error


def assert_refused(field: str, value: object, literal: str | None = None) -> None:
    """As a variable and as a literal alike, naming the field and not the value."""
    query = f"query ($value: {TYPES[field]}!) {{ {field}(value: $value) }}"
    by_variable = refusal(query, {"value": value})
    by_literal = refusal(f"{{ {field}(value: {literal or json.dumps(value)}) }}")
    said = f"{TYPES[field]} "
    assert by_variable.message.startswith(f"Variable '$value' has invalid value: {said}")
    assert by_literal.message.startswith(f"value: {said}")
    for error in (by_variable, by_literal):
        assert (error.extensions or {})["code"] == "BAD_USER_INPUT"
        assert error.locations


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1.500", "1.5"),
        ("100", "100"),
        ("-0", "0"),
        ("-0.000", "0"),
        ("-12.50", "-12.5"),
        ("007", "7"),
        ("0" * 50 + "1", "1"),
        ("9" * 38, "9" * 38),
        ("9" * 20 + "." + "9" * 18, "9" * 20 + "." + "9" * 18),
        ("0." + "0" * 17 + "1", "0." + "0" * 17 + "1"),
        (12, "12"),
        (0, "0"),
        (-12, "-12"),
        (int("9" * 38), "9" * 38),
    ],
    ids=repr,
)
def test_a_decimal_is_exact_and_printed_plainly(given: str | int, printed: str) -> None:
    assert sent("decimal", given) == printed
    assert written("decimal", json.dumps(given)) == printed


@pytest.mark.parametrize(
    "value",
    [
        *("NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "inf"),
        *("1_000", "1,000", "1e5", "1E-5", "0x10", "", " ", " 1", "1 ", "1\n", "+1", "--1", "-"),
        *(".5", "1.", "1.2.3", "٣", "1٣", "½", "²", "secret", "$1"),
        *("1" * 39, "1" * 21 + "." + "1" * 18, "0." + "0" * 18 + "1", "1" + "0" * 40),
        *("0" * 101, "9" * 6000),
        *(10**38, -(10**38), 10**40),
        *(0.1, 1.0, -2.5, 1e300),
        *(True, False, [], ["1"], {}, {"a": 1}),
    ],
    ids=repr,
)
def test_what_is_no_exact_decimal_is_refused(value: object) -> None:
    literal = "{a: 1}" if value == {"a": 1} else None
    assert_refused("decimal", value, literal)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_float_that_is_no_number_is_refused(value: float) -> None:
    assert_refused("decimal", value, "NaN")


@pytest.mark.parametrize(
    "literal", ["1.0", "1e5", "1E400", "9" * 6000, "1." + "9" * 6000, "-" + "9" * 6000, "NaN"]
)
def test_a_literal_that_is_no_exact_decimal_is_refused(literal: str) -> None:
    error = refusal(f"{{ decimal(value: {literal}) }}")
    assert error.extensions == {"code": "BAD_USER_INPUT", "field": ["value"]}
    assert error.message.startswith("value: Decimal ")
    assert literal not in error.message


@given(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(0, 18))
@example(10**38 - 1, 18)
@example(-1, 18)
def test_every_decimal_within_the_limits_comes_back_as_it_went(digits: int, places: int) -> None:
    value = Decimal(f"{digits}e-{places}")
    text = sent("decimal", format(value, "f"))
    assert Decimal(text) == value
    assert sent("decimal", text) == text
    assert not text.startswith("-0") or "." in text
    assert "E" not in text
    assert "." not in text or not text.endswith("0")


PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


@given(
    st.text(st.sampled_from("019.-+eE_ x٣"), max_size=8).filter(lambda it: not PLAIN.fullmatch(it))
)
@example("٣.٣")
@example("1\n")
def test_no_text_but_plain_notation_is_a_decimal(text: str) -> None:
    assert_refused("decimal", text)


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31T12:00Z", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000Z"),
        ("2026-01-01T00:30:00.5+01:00", "2025-12-31T23:30:00.500Z"),
        ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31T12:00:00.123Z", "2026-01-31T12:00:00.123Z"),
        ("2026-01-31T12:00:00.123000Z", "2026-01-31T12:00:00.123Z"),
        ("2026-01-31T12:00:00.123001Z", "2026-01-31T12:00:00.124Z"),
        ("2026-01-31T12:00:00.999999Z", "2026-01-31T12:00:01.000Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
    ids=repr,
)
def test_a_moment_is_told_in_utc_with_milliseconds(given: str, printed: str) -> None:
    assert sent("moment", given) == printed
    assert written("moment", json.dumps(given)) == printed


@pytest.mark.parametrize(
    "value",
    [
        *("2026-01-31T12:00:00", "2026-01-31T12:00:00.000", "2026-01-31", "12:00:00Z"),
        *("2026-02-30T12:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z"),
        *("2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2016-12-31T23:59:60Z"),
        *("0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-2026-01-31T12:00:00Z"),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59.9999Z"),
        *("2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+0200", "2026-01-31T12:00:00 Z"),
        *("2026-01-31 12:00:00Z", "20260131T120000Z", "2026-W05-6T12:00:00Z", "٢026-01-31T12:00Z"),
        *("2026-01-31T12:00:00,5Z", "2026-01-31T12:00:00.Z", "now", "", "1769860800"),
        *(1769860800, 1.5, True, [], {}),
    ],
    ids=repr,
)
def test_what_is_no_moment_is_refused(value: object) -> None:
    assert_refused("moment", value)


@given(
    st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
        max_value=datetime(9998, 1, 1),  # noqa: DTZ001
        timezones=st.integers(-1439, 1439).map(
            lambda minutes: timezone(timedelta(minutes=minutes))
        ),
    )
)
def test_a_moment_comes_back_at_most_a_millisecond_later(moment: datetime) -> None:
    text = sent("moment", moment.isoformat())
    assert text.endswith("Z")
    back = datetime.fromisoformat(text)
    assert timedelta() <= back - moment.astimezone(UTC) < timedelta(milliseconds=1)
    assert sent("moment", text) == text


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {}])
def test_a_cursor_is_a_text(value: object) -> None:
    assert_refused("cursor", value)


def test_a_name_without_quotes_is_no_cursor() -> None:
    assert refusal("{ cursor(value: abc) }").message.startswith("value: Cursor takes a string")


def test_a_cursor_comes_back_as_it_went() -> None:
    assert sent("cursor", "any-Text_=") == written("cursor", '"any-Text_="') == "any-Text_="


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ('{ many(values: {decimals: ["1", "secret"]}) }', ["values", "decimals"]),
        ('{ many(values: {decimals: "secret", moment: null}) }', ["values", "decimals"]),
        ('{ many(values: {decimals: ["1"], moment: "secret"}) }', ["values", "moment"]),
        ('{ many(values: {decimals: [["secret"], "1"]}) }', ["values", "decimals"]),
        ('query ($it: Values = {decimals: ["secret"]}) { many(values: $it) }', ["$it", "decimals"]),
        ('query ($it: Decimal! = "secret") { decimal(value: $it) }', ["$it"]),
    ],
)
def test_a_refused_literal_is_named_by_its_place(query: str, field: list[str]) -> None:
    result = ECHO.execute_sync(query)
    error = (result.errors or [])[0]
    assert error.extensions == {"code": "BAD_USER_INPUT", "field": field}
    assert error.message.startswith(f"{'.'.join(field)}: ")
    assert "secret" not in error.message


def test_a_refused_variable_is_named_by_its_place() -> None:
    query = "query ($it: Values!) { many(values: $it) }"
    error = refusal(query, {"it": {"decimals": ["1", "secret"]}})
    assert error.message.startswith("Variable '$it' has invalid value at .decimals[1]: Decimal")
    assert error.extensions == {"code": "BAD_USER_INPUT"}


def test_decimals_may_be_mixed_with_variables() -> None:
    query = 'query ($it: Decimal!) { many(values: {decimals: ["1.0", $it, 2]}) }'
    assert answer(query, {"it": "3"})["many"] == ["1", "3", "2"]
