"""What a token is refused over HTTP and sockets when its budget is used up."""

import httpx
import pytest

from tests.api.access.test_tokens import make_token
from tests.api.conftest import ADMIN, Serve
from tests.support.api.clients import Client, Data
from tests.support.api.metrics import value
from tests.support.api.trading import MARKET, PLACE, WAITING, place
from tests.support.clock import ManualClock

WHO = "{ viewer { name } }"
LIMITS = "{ viewer { limits { cost { perSecond left resetsAt } orders { perSecond left } } } }"
PLACE_MANY = "mutation ($it: [PlaceOrderInput!]!) { placeOrders(inputs: $it) { __typename } }"
WATCH = "subscription { riskUpdates { id } }"


def only_error(answer: httpx.Response) -> Data:
    told = answer.json()
    assert set(told) <= {"errors", "data"}
    assert told.get("data") is None
    [error] = told["errors"]
    found: Data = error
    return found


def assert_limited(answer: httpx.Response, seconds: float) -> None:
    """Refused as a whole, and told when to come back."""
    error = only_error(answer)
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": seconds}
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"


async def test_a_query_beyond_the_budget_is_told_when_to_come_back(
    serve: Serve, clock: ManualClock
) -> None:
    client = (await serve(cost_per_second="30")).client()
    for _ in range(2):
        assert (await client.post({"query": WHO})).status_code == 200
        await clock.advance(0.25)
    assert_limited(await client.post({"query": WHO}), 0.5)
    await clock.advance(0.5)
    assert (await client.post({"query": WHO})).status_code == 200


async def test_each_token_has_a_budget_of_its_own(serve: Serve) -> None:
    api = await serve(cost_per_second="11")
    other = api.client(await make_token(api.client(), scopes=["READ"]))
    await other.ask(WHO)
    assert_limited(await other.post({"query": WHO}), 1.0)
    await api.client().ask(WHO)
    assert await value(api.client(), "orderdeck_budget_refusals_total", budget="cost") == 1


async def test_what_is_left_stands_in_the_headers_and_in_the_answer(serve: Serve) -> None:
    client = (await serve(cost_per_second="1000", orders_per_second="7")).client()
    answer = await client.post({"query": LIMITS})
    limits = answer.json()["data"]["viewer"]["limits"]
    left = 1000 - (10 + 1 + 1 + 3 + 1 + 2)
    assert limits["cost"]["left"] == left
    assert limits["cost"]["perSecond"] == 1000
    assert limits["orders"] == {"perSecond": 7, "left": 7}
    assert answer.headers["ratelimit-policy"] == '"cost";q=1000;w=1'
    assert answer.headers["ratelimit"] == f'"cost";r={left};t=1'
    answer = await client.post({"query": PLACE, "variables": {"input": MARKET}})
    assert answer.headers["ratelimit-policy"] == '"orders";q=7;w=1'
    assert answer.headers["ratelimit"] == '"orders";r=6;t=1'


async def test_without_limits_nothing_is_said_of_them(serve: Serve) -> None:
    client = (await serve(cost_per_second="0", orders_per_second="0")).client()
    answer = await client.post({"query": LIMITS})
    assert answer.json()["data"]["viewer"]["limits"] == {"cost": None, "orders": None}
    assert not [name for name in answer.headers if "ratelimit" in name]


async def test_an_order_beyond_the_budget_is_not_placed(serve: Serve) -> None:
    client = (await serve(orders_per_second="2")).client()
    await place(client)
    await place(client)
    body = {"query": PLACE, "variables": {"input": MARKET}}
    assert_limited(await client.post(body), 1.0)
    assert (await client.ask("{ orders { totalCount } }"))["orders"]["totalCount"] == 2


async def test_what_budgets_refuse_is_counted_and_does_not_fill_the_audit(serve: Serve) -> None:
    client = (await serve(orders_per_second="1")).client()
    await place(client)
    body = {"query": PLACE, "variables": {"input": MARKET}}
    for _ in range(3):
        assert_limited(await client.post(body), 1.0)
    assert await value(client, "orderdeck_budget_refusals_total", budget="orders") == 3
    entries = (await client.ask("{ auditLog { nodes { action outcome } } }"))["auditLog"]["nodes"]
    assert entries == [{"action": "placeOrder", "outcome": "DONE"}]


@pytest.mark.parametrize("spread", [False, True])
async def test_a_batch_takes_as_much_as_it_is_long(
    serve: Serve, clock: ManualClock, *, spread: bool
) -> None:
    client = (await serve(orders_per_second="5")).client()
    query = PLACE_MANY
    if spread:
        query = (
            "mutation ($it: [PlaceOrderInput!]!) { ...F ... { ...F } }"
            " fragment F on Mutation { placeOrders(inputs: $it) { __typename } }"
        )
    batch = {"query": query, "variables": {"it": [MARKET] * 3}}
    assert (await client.post(batch)).status_code == 200
    assert_limited(await client.post(batch), 1.0)
    await clock.advance(1)
    whole = {"query": query, "variables": {"it": [MARKET] * 9}}
    assert len((await client.post(whole)).json()["data"]["placeOrders"]) == 9


async def test_a_cancel_is_never_refused_by_a_budget(serve: Serve) -> None:
    client = (await serve(orders_per_second="1", cost_per_second="1")).client()
    order = await place(client, WAITING)
    both = """mutation ($id: ID!, $order: PlaceOrderInput!) {
      cancelOrder(input: {id: $id}) { ... on OrderSuccess { order { status } } }
      placeOrder(input: $order) { __typename }
    }"""
    told = await client.response(both, id=order["id"], order=MARKET)
    assert told["data"] is None
    [error] = told["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["placeOrder"], "RATE_LIMITED")
    again = await client.ask(
        """mutation ($id: ID!) { cancelOrder(input: {id: $id}) {
          ... on OrderSuccess { order { status } }
        } }""",
        id=order["id"],
    )
    assert again["cancelOrder"]["order"]["status"] == "CANCELED"
    for _ in range(3):
        halted = 'mutation { haltTrading(reason: "x") { risk { tradingState } } }'
        assert (await client.ask(halted))["haltTrading"]["risk"]["tradingState"] == "HALTED"


async def test_a_socket_beyond_its_budget_hears_an_error_for_that_operation_alone(
    serve: Serve, clock: ManualClock
) -> None:
    api = await serve(subscriptions_per_second="1", cost_per_second="11")
    async with api.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe("1", WATCH)
        await socket.hear_data("1")
        await socket.subscribe("2", WATCH)
        [error] = await socket.hear_error("2")
        assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": 1.0}
        await socket.subscribe("3", WHO)
        await socket.hear_data("3")
        await socket.hear_complete("3")
        await socket.subscribe("4", WHO)
        [error] = await socket.hear_error("4")
        assert error["extensions"]["code"] == "RATE_LIMITED"
        await clock.advance(1)
        await socket.subscribe("5", WHO)
        await socket.hear_data("5")


async def test_what_is_open_is_counted_until_it_ends(serve: Serve) -> None:
    count = "{ viewer { limits { openSubscriptions maxOpenSubscriptions } } }"
    few = await serve(open_subscriptions="1")
    async with few.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe("1", WATCH)
        await socket.hear_data("1")
        await socket.subscribe("2", WATCH)
        [error] = await socket.hear_error("2")
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert (await opened(few.client(), count)) == (1, 1)
        await socket.say(type="complete", id="1")
        await socket.subscribe("3", WHO)
        await socket.hear_data("3")
        assert (await opened(few.client(), count)) == (0, 1)
        await socket.subscribe("4", WATCH)


async def opened(client: Client, document: str) -> tuple[int, int]:
    limits = (await client.ask(document))["viewer"]["limits"]
    return limits["openSubscriptions"], limits["maxOpenSubscriptions"]
