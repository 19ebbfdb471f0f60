import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from structlog.testing import capture_logs

from app.domain.access.tokens import Scope, Token
from app.errors import (
    BadInput,
    CursorExpired,
    Denied,
    ExchangeDoubt,
    Forbidden,
    NotFound,
    Refusal,
    RefusalCode,
    StaleRevision,
    StorageUnavailable,
)
from app.primitives.fair_scheduler import long_work
from app.primitives.paced_starts import PacedStarts
from app.services import Services
from app.services.access.rate_limits import BudgetService, RateLimits
from app.services.metrics import Metrics
from schema.build import Schema, build_schema
from schema.context import Context
from schema.scalars import SCALARS
from tests.conftest import START
from tests.support.clock import ManualClock

TOKEN = Token(
    id="1", name="a bot", scopes=(Scope.TRADE,), created_at=datetime(2026, 1, 1, tzinfo=UTC)
)
DENIED = Denied(
    Refusal(code=RefusalCode.UNKNOWN_SYMBOL, message="there is no such market", field=("symbol",))
)
PLACE = 'mutation {{ placeOrder(input: {{symbol: "BTC/USDT", {}}}) {{ __typename }} }}'
UNKNOWN = ": Expected value of type 'PlaceOrderInput' not to include unknown field"
ORDER = {"symbol": "BTC/USDT", "side": "BUY", "type": "LIMIT", "amount": "1"}


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build_schema()


def context() -> Context:
    """Of somebody who is let in, and finds nobody at home."""
    budgets = BudgetService(ManualClock(START), RateLimits())
    at_home = SimpleNamespace(
        long_work=long_work(),
        starts=PacedStarts(),
        costly_documents=asyncio.Semaphore(2),
        budgets=budgets,
        metrics=Metrics(),
    )
    nobody = cast("Services", at_home)
    return Context(services=nobody, token=TOKEN, request_id="request-1")


async def errors(
    schema: Schema, query: str, variables: dict[str, Any] | None = None
) -> list[GraphQLError]:
    result = await schema.execute(query, variable_values=variables, context_value=context())
    assert result.errors
    return list(result.errors)


async def only_error(
    schema: Schema, query: str, variables: dict[str, Any] | None = None
) -> tuple[str, dict[str, Any]]:
    [error] = await errors(schema, query, variables)
    return error.message, dict(error.extensions or {})


@pytest.mark.parametrize(
    "query",
    ["{", "nonsense", "{ viewer { name }", "{ a(b: 01) { c } }", '{ orders "secret" }', "{" * 900],
)
async def test_a_document_that_cannot_be_read_is_told_so(schema: Schema, query: str) -> None:
    message, extensions = await only_error(schema, query)
    assert extensions == {"code": "GRAPHQL_PARSE_FAILED"}
    assert message.startswith("Syntax Error: ")
    assert "secret" not in message


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{ viewr { name } }", "Cannot query field 'viewr' on type 'Query'."),
        ("{ viewer { nam } }", "Cannot query field 'nam' on type 'Viewer'."),
        (
            "{ orders(frist: 1) { totalCount } }",
            "Unknown argument 'frist' on field 'Query.orders'.",
        ),
        ("{ node { id } }", "Argument 'Query.node(id:)' of type 'ID!' is required"),
        ("{ orders(first: $n) { totalCount } }", "Variable '$n' is not defined."),
        (
            "query ($f: OrderFlter) { orders(filter: $f) { totalCount } }",
            "Unknown type 'OrderFlter'.",
        ),
        (
            "query ($n: String) { orders(first: $n) { totalCount } }",
            "Variable '$n' of type 'String'",
        ),
    ],
)
async def test_what_does_not_fit_the_schema_is_told_without_suggestions(
    schema: Schema, query: str, said: str
) -> None:
    message, extensions = await only_error(schema, query)
    assert extensions == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert message.startswith(said)
    assert "Did you mean" not in message


@pytest.mark.parametrize(
    ("query", "said", "field"),
    [
        ('{ orders(first: "secret") { totalCount } }', "Int cannot represent", ["first"]),
        ("{ orders(first: 6.5e77) { totalCount } }", "Int cannot represent", ["first"]),
        ("{ orders(first: 987654321987) { totalCount } }", "Int cannot represent", ["first"]),
        (f"{{ orders(first: {'9' * 6000}) {{ totalCount }} }}", "Expected value", ["first"]),
        (f"{{ orders(first: 1.{'9' * 6000}) {{ totalCount }} }}", "Int cannot", ["first"]),
        ("{ orders(orderBy: SECRET) { totalCount } }", "No such value in", ["orderBy"]),
        ('{ orders(orderBy: "CREATED_AT_ASC") { totalCount } }', "Enum 'OrderOrder'", ["orderBy"]),
        ('{ orders(filter: "secret") { totalCount } }', "Expected value of type", ["filter"]),
        ("{ orders(filter: {open: 987654321}) { totalCount } }", "Boolean", ["filter", "open"]),
        ("{ orders(filter: {open: true, opn: 1}) { totalCount } }", "Expected", ["filter"]),
        ("{ orders(filter: {symbols: [[9], 1]}) { totalCount } }", "String", ["filter", "symbols"]),
        ("{ orders(first: [[987654321]]) { totalCount } }", "Int", ["first"]),
        (
            "{ orders(filter: {account: {a: 6.5}}) { totalCount } }",
            "String",
            ["filter", "account", "a"],
        ),
        ("{ orders(orderBy: CREATED_AT) { totalCount } }", "No such value in", ["orderBy"]),
        ("{ order(id: 6.5e77) { id } }", "ID cannot represent", ["id"]),
        ("query ($n: Int = SECRET) { orders(first: $n) { totalCount } }", "Int cannot", ["$n"]),
        (PLACE.format("side: BUY, type: LIMIT, amount: null"), "Expected", ["input", "amount"]),
        (PLACE.format("side: BUY, type: LIMIT, amount: 6.5"), "Decimal takes", ["input", "amount"]),
        (PLACE.format("side: BUY, type: LIMIT"), "Expected value", ["input"]),
    ],
    ids=lambda it: it[:60] if isinstance(it, str) else None,
)
async def test_a_literal_that_does_not_fit_is_bad_input(
    schema: Schema, query: str, said: str, field: list[str]
) -> None:
    for _ in range(2):
        # The second answer comes out of the cache of validated documents.
        found = await errors(schema, query)
        message = next(one.message for one in found if said in one.message)
        assert message.startswith(f"{'.'.join(field)}: {said}")
        assert {"code": "BAD_USER_INPUT", "field": field} in [one.extensions for one in found]
        assert_nothing_repeated(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amuontt": 1, "metadata": None}, f"{UNKNOWN} 'amuontt'"),
        ({"amount" + "t" * 60: "secret"}, UNKNOWN),
        ({"side": "BUYY"}, " at .side: No such value in 'OrderSide': it has BUY, SELL"),
        ({"side": "secret"}, " at .side: No such value in 'OrderSide': it has BUY, SELL"),
        ({"side": 987654321}, " at .side: Enum 'OrderSide' cannot represent non-string value"),
        ({"symbol": 987654321}, " at .symbol: String cannot represent a non string value"),
        ({"reduceOnly": "secret"}, " at .reduceOnly: Boolean cannot represent a non boolean value"),
        ({"amount": 6.5e77}, " at .amount: Decimal takes a string"),
        ({"amount": None}, " at .amount: Expected value of non-null type 'Decimal!'"),
        ({"amuont": "secret"}, f"{UNKNOWN} 'amuont'"),
        ({"secret': ' \n, found: secret": 1}, UNKNOWN),
        ({"x" * 65: "secret"}, UNKNOWN),
    ],
    ids=lambda it: ascii(it)[:60],
)
async def test_a_variable_that_does_not_fit_is_bad_input(
    schema: Schema, change: dict[str, Any], said: str
) -> None:
    query = "mutation ($it: PlaceOrderInput!) { placeOrder(input: $it) { __typename } }"
    found = await errors(schema, query, {"it": {**ORDER, **change}})
    assert [one.extensions for one in found] == [{"code": "BAD_USER_INPUT"}]
    assert found[0].message.startswith(f"Variable '$it' has invalid value{said}")
    assert_nothing_repeated(found)


@pytest.mark.parametrize("variables", [{}, {"it": None}, {"it": "secret"}, {"it": {}}], ids=str)
async def test_a_missing_variable_is_bad_input(schema: Schema, variables: dict[str, Any]) -> None:
    query = "mutation ($it: PlaceOrderInput!) { placeOrder(input: $it) { __typename } }"
    found = await errors(schema, query, variables)
    assert {(one.extensions or {})["code"] for one in found} == {"BAD_USER_INPUT"}
    assert_nothing_repeated(found)


async def test_very_many_bad_variables_are_bad_input_too(schema: Schema) -> None:
    query = "query ($it: OrderFilter) { orders(filter: $it) { totalCount } }"
    found = await errors(schema, query, {"it": {"symbols": [987654321] * 600}})
    assert {(one.extensions or {})["code"] for one in found} == {"BAD_USER_INPUT"}
    assert len(found) < 100
    assert_nothing_repeated(found)


def assert_nothing_repeated(found: list[GraphQLError]) -> None:
    told = " ".join(one.message for one in found)
    assert "secret" not in told.lower()
    assert "987654321" not in told
    assert "6.5" not in told
    assert "99999" not in told
    assert "BTC" not in told
    assert "Did you mean" not in told
    assert "BUYY" not in told
    assert "xxxxx" not in told
    assert "ttttt" not in told


@pytest.mark.parametrize(
    ("query", "extensions"),
    [
        ('{ order(id: "secret") { id } }', {"code": "BAD_USER_INPUT", "field": ["id"]}),
        ('{ node(id: "secret") { id } }', {"code": "BAD_USER_INPUT", "field": ["id"]}),
        (
            "{ order { id } }",
            {"code": "BAD_USER_INPUT", "reason": "INVALID_INPUT", "field": ["id"]},
        ),
        ("{ orders(first: 0) { totalCount } }", {"code": "BAD_USER_INPUT", "field": ["first"]}),
        ("{ orders(last: 501) { totalCount } }", {"code": "BAD_USER_INPUT", "field": ["last"]}),
        (
            '{ orders(after: "secret") { totalCount } }',
            {"code": "CURSOR_INVALID", "field": ["after"]},
        ),
        ("{ tokens { id } }", {"code": "FORBIDDEN"}),
    ],
    ids=str,
)
async def test_what_a_resolver_refuses_is_told_with_its_field(
    schema: Schema, query: str, extensions: dict[str, Any]
) -> None:
    message, told = await only_error(schema, query)
    assert told == extensions
    assert "secret" not in message


@strawberry.type
class Query:
    @strawberry.field
    def broken(self) -> str:
        raise ZeroDivisionError("secret")

    @strawberry.field
    def unprintable(self) -> int:
        return 987654321987

    @strawberry.field
    def missing(self) -> str:
        return cast("str", None)

    @strawberry.field
    def raised(self, number: int) -> str:
        raise RAISED[number][0]

    @strawberry.field
    def listed(self, depth: int = 5) -> str:
        return str(depth)


RAISED: list[tuple[Exception, str, dict[str, Any]]] = [
    (
        DENIED,
        "there is no such market",
        {"code": "BAD_USER_INPUT", "reason": "UNKNOWN_SYMBOL", "field": ["symbol"]},
    ),
    (
        BadInput("too many", field=("a", "b"), reason=RefusalCode.INVALID_INPUT),
        "too many",
        {"code": "BAD_USER_INPUT", "reason": "INVALID_INPUT", "field": ["a", "b"]},
    ),
    (
        CursorExpired("too old", field=("after",)),
        "too old",
        {"code": "CURSOR_EXPIRED", "field": ["after"]},
    ),
    (Forbidden("no"), "no", {"code": "FORBIDDEN"}),
    (ExchangeDoubt("secret"), "the exchange cannot be reached", {"code": "EXCHANGE_UNAVAILABLE"}),
    (
        StorageUnavailable("retry later"),
        "retry later",
        {"code": "INTERNAL_SERVER_ERROR", "requestId": "request-1"},
    ),
]
FAILING = Schema(
    query=Query, config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)
)


@pytest.mark.parametrize("number", range(len(RAISED)))
async def test_an_error_of_ours_is_told_in_the_words_that_clients_know(number: int) -> None:
    _, message, extensions = RAISED[number]
    assert await only_error(FAILING, f"{{ raised(number: {number}) }}") == (message, extensions)


@pytest.fixture
def inside() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


@pytest.mark.parametrize("field", ["broken", "unprintable", "missing"])
async def test_a_fault_is_told_by_its_request_id_alone(field: str, inside: list[Any]) -> None:
    message, extensions = await only_error(FAILING, f"{{ {field} }}")
    assert extensions == {"code": "INTERNAL_SERVER_ERROR", "requestId": "request-1"}
    assert message == "something went wrong inside; the operator finds it by the request id"
    [logged] = inside
    assert logged["request_id"] == "request-1"
    assert isinstance(logged["exc_info"], Exception)


@pytest.mark.parametrize("error", [NotFound("secret"), StaleRevision("secret")], ids=repr)
async def test_an_error_of_ours_that_nobody_should_see_is_a_fault(
    error: Exception, inside: list[Any]
) -> None:
    RAISED.append((error, "", {}))
    try:
        message, extensions = await only_error(FAILING, f"{{ raised(number: {len(RAISED) - 1}) }}")
    finally:
        RAISED.pop()
    assert extensions == {"code": "INTERNAL_SERVER_ERROR", "requestId": "request-1"}
    assert "secret" not in message
    assert len(inside) == 1


async def test_a_null_variable_where_none_may_be_is_bad_input() -> None:
    query = "query ($depth: Int = 5) { listed(depth: $depth) }"
    message, extensions = await only_error(FAILING, query, {"depth": None})
    assert message.startswith("Argument 'depth' has invalid value")
    assert extensions == {"code": "BAD_USER_INPUT"}
