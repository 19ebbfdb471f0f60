"""Documents and helpers to place, cancel and read orders over the API."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.support.api.clients import Client, Data
from tests.support.api.documents import everything

ORDER = everything("Order", depth=2)
PLACED = everything("PlaceOrderSuccess", depth=1)
REFUSAL = "{ code message field retryable existingOrder { id clientOrderId status } }"
RESULT = f"__typename ... on PlaceOrderSuccess {PLACED} ... on Refusal {REFUSAL}"
CHANGED = f"__typename ... on OrderSuccess {{ order {ORDER} }} ... on Refusal {REFUSAL}"

PLACE = f"mutation ($input: PlaceOrderInput!) {{ placeOrder(input: $input) {{ {RESULT} }} }}"
PLACE_MANY = (
    f"mutation ($inputs: [PlaceOrderInput!]!) {{ placeOrders(inputs: $inputs) {{ {RESULT} }} }}"
)
CANCEL = f"mutation ($input: CancelOrderInput!) {{ cancelOrder(input: $input) {{ {CHANGED} }} }}"
CANCEL_ALL = f"""mutation ($input: CancelAllOrdersInput) {{
  cancelAllOrders(input: $input) {{ canceled {{ id clientOrderId status }} failed {REFUSAL} }}
}}"""
READ = f"query ($id: ID!) {{ order(id: $id) {ORDER} }}"

MARKET: Mapping[str, Any] = {
    "symbol": "BTC/USDT",
    "side": "BUY",
    "type": "MARKET",
    "amount": "0.001",
}
# Far from the market, so that it stays open.
WAITING: Mapping[str, Any] = {**MARKET, "type": "LIMIT", "price": "1000", "amount": "0.01"}


async def answer(client: Client, wanted: Mapping[str, Any], **changes: Any) -> Data:
    """The result of placeOrder; a change to None leaves a field out."""
    changed = {**wanted, **changes}
    given = {name: value for name, value in changed.items() if value is not None}
    placed: Data = (await client.ask(PLACE, input=given))["placeOrder"]
    return placed


async def place(client: Client, wanted: Mapping[str, Any] = MARKET, **changes: Any) -> Data:
    """Place an order and return it; a refusal fails the test."""
    placed = await answer(client, wanted, **changes)
    assert placed["__typename"] == "PlaceOrderSuccess", placed
    order: Data = placed["order"]
    return order


async def refusal(client: Client, wanted: Mapping[str, Any] = MARKET, **changes: Any) -> Data:
    """Place an order that must be refused, and return the refusal."""
    placed = await answer(client, wanted, **changes)
    assert placed["__typename"] == "Refusal", placed
    return placed


async def price_of(client: Client, symbol: str = "BTC/USDT") -> Decimal:
    """The last price."""
    ticker = await client.ask("query ($it: String!) { ticker(symbol: $it) { last } }", it=symbol)
    return Decimal(ticker["ticker"]["last"])


async def names(client: Client) -> set[str]:
    """The client order ids of all orders."""
    found = await client.ask("{ orders(first: 500) { nodes { clientOrderId } } }")
    return {node["clientOrderId"] for node in found["orders"]["nodes"]}
