from tests.api.conftest import on_shared
from tests.support.api.clients import Client
from tests.support.api.documents import calling
from tests.support.api.trading import PLACE, WAITING, place

ORDERS = """query (
  $filter: OrderFilter, $orderBy: OrderOrder, $first: Int, $after: Cursor,
  $last: Int, $before: Cursor
) {
  orders(
    filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before
  ) { nodes { clientOrderId } totalCount }
}"""
ALL_NULL = """{ orders(
  filter: null, orderBy: null, first: null, after: null, last: null, before: null
) { nodes { clientOrderId } totalCount } }"""
NO_FILTER = """{ orders(filter: {
  account: null, symbols: null, statuses: null, open: null, side: null, types: null, sources: null,
  strategy: null, clientOrderIds: null, createdAfter: null, createdBefore: null
}) { nodes { clientOrderId } totalCount } }"""


async def test_null_in_a_list_means_the_default(client: Client) -> None:
    for name in ("first", "second"):
        await place(client, WAITING, clientOrderId=name)
    left_out = await client.ask(ORDERS)
    nodes = [node["clientOrderId"] for node in left_out["orders"]["nodes"]]
    assert nodes == ["second", "first"]
    names = ("filter", "orderBy", "first", "after", "last", "before")
    assert await client.ask(ORDERS, **dict.fromkeys(names)) == left_out
    assert await client.ask(ALL_NULL) == left_out
    assert await client.ask(NO_FILTER) == left_out


async def test_null_in_an_order_means_the_default(client: Client) -> None:
    optional = (
        "account", "clientOrderId", "triggerPrice", "timeInForce", "reduceOnly", "positionType",
        "leverage", "metadata",
    )  # fmt: skip
    wanted = {**WAITING, **dict.fromkeys(optional)}
    order = (await client.ask(PLACE, input=wanted))["placeOrder"]["order"]
    assert (order["timeInForce"], order["reduceOnly"]) == ("GTC", False)
    assert (order["positionType"], order["leverage"], order["metadata"]) == ("SPOT", None, {})
    named = {**wanted, "clientOrderId": "mine"}
    await client.ask(PLACE, input={**WAITING, "clientOrderId": "mine"})
    assert (await client.ask(PLACE, input=named))["placeOrder"]["replayed"] is True


@on_shared
async def test_null_elsewhere_means_the_default(shared_client: Client) -> None:
    for name in ("fills", "markets", "tickers"):
        document = calling("query", name)
        args = {"fills": ("filter", "first", "after"), "tickers": ("symbols", "account")}
        nulls = dict.fromkeys(args.get(name, ("account", "search", "first", "after")))
        assert await shared_client.ask(document, **nulls) == await shared_client.ask(document)
    filters = "{ fills(filter: {account: null, symbols: null, since: null, until: null}) {"
    assert (await shared_client.ask(f"{filters} nodes {{ id }} }} }}"))["fills"]["nodes"] == []


@on_shared
async def test_with_nothing_configured_a_trade_costs_a_tenth_of_a_percent(
    shared_client: Client,
) -> None:
    told = await shared_client.ask("{ markets { nodes { makerFeePercent takerFeePercent } } }")
    fees = {tuple(market.values()) for market in told["markets"]["nodes"]}
    assert fees == {("0.1", "0.1")}
