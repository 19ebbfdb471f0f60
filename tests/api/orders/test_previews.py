from decimal import Decimal
from typing import Any

import pytest

from app.exchanges.paper.faults import Faults
from tests.api.conftest import Serve, on_shared
from tests.conftest import on_each_database
from tests.support.api.clients import Client, Data
from tests.support.api.trading import MARKET, WAITING, answer, names, place, price_of, refusal

PREVIEW = """query ($input: PlaceOrderInput!) { previewOrder(input: $input) {
  refusal { code message field retryable existingOrder { clientOrderId } }
  notional
  estimatedFee { currency amount }
  checks { name passed limit actual message }
} }"""


async def preview(client: Client, wanted: dict[str, Any], **changes: Any) -> Data:
    given = {name: value for name, value in {**wanted, **changes}.items() if value is not None}
    told: Data = (await client.ask(PREVIEW, input=given))["previewOrder"]
    return told


def failed(told: Data) -> list[str]:
    return [check["name"] for check in told["checks"] if not check["passed"]]


def check_of(told: Data, name: str) -> Data:
    [check] = [check for check in told["checks"] if check["name"] == name]
    return dict(check)


@on_each_database
async def test_what_would_be_placed_passes_every_check_and_says_what_it_costs(
    client: Client,
) -> None:
    told = await preview(client, dict(WAITING))
    assert told["refusal"] is None
    assert failed(told) == []
    assert told["notional"] == "10"
    assert told["estimatedFee"] == {"currency": "USDT", "amount": "0.01"}
    assert check_of(told, "minNotional")["limit"] == "5"
    assert check_of(told, "minNotional")["actual"] == "10"
    assert check_of(told, "balance")["limit"] == "10000 USDT"


async def test_a_market_order_is_reckoned_at_the_best_price(client: Client) -> None:
    ticker = await client.ask('{ ticker(symbol: "BTC/USDT") { ask } }')
    ask = Decimal(ticker["ticker"]["ask"])
    told = await preview(client, dict(MARKET))
    assert Decimal(told["notional"]) == ask * Decimal("0.001")
    assert Decimal(told["estimatedFee"]["amount"]) == ask * Decimal("0.000001")


async def test_it_changes_nothing(client: Client) -> None:
    before = await client.ask("{ orders { asOf totalCount } }")
    await preview(client, dict(MARKET), clientOrderId="mine")
    assert await client.ask("{ orders { asOf totalCount } }") == before
    assert (await place(client, clientOrderId="mine"))["status"] == "FILLED"


REFUSED: list[dict[str, Any]] = [
    {"amount": "0"},
    {"amount": "-1"},
    {"amount": "0.0010001"},
    {"amount": "0.00001"},
    {"amount": "100"},
    {"clientOrderId": "with space"},
    {"type": "LIMIT"},
    {"price": "100"},
    {"type": "LIMIT", "price": "0"},
    {"type": "LIMIT", "price": "-5"},
    {"type": "LIMIT", "price": "64000.001"},
    {"type": "STOP_MARKET", "triggerPrice": "0"},
    {"type": "STOP_MARKET", "triggerPrice": "1"},
    {"symbol": "DOGE/USDT"},
    {"account": "nobody"},
    {"side": "SELL"},
    {"side": "SELL", "reduceOnly": True},
    {"reduceOnly": True},
    {"timeInForce": "FOK"},
    {"positionType": "SWAP"},
    {"positionType": "MARGIN", "leverage": "6"},
    {"positionType": "MARGIN", "leverage": "1.001"},
    {"positionType": "MARGIN", "reduceOnly": True},
    {"positionType": "MARGIN", "leverage": "5", "amount": "1"},
    {"leverage": "2"},
    {"metadata": {"a": "x" * 9000}},
    {"type": "STOP_LIMIT", "price": "100"},
]


@on_shared
@pytest.mark.parametrize("changes", REFUSED, ids=str)
async def test_it_refuses_what_placing_refuses_in_the_same_words(
    shared_client: Client, changes: dict[str, Any]
) -> None:
    before = await names(shared_client)
    previewed = (await preview(shared_client, dict(MARKET), **changes))["refusal"]
    placed = await refusal(shared_client, **changes)
    for name in ("code", "message", "field", "retryable"):
        assert previewed[name] == placed[name]
    assert await names(shared_client) == before


async def test_the_checks_behind_the_first_failure_are_told_too(client: Client) -> None:
    told = await preview(client, dict(WAITING), amount="0.0000101", price="999.999")
    assert told["refusal"]["code"] == "PRECISION"
    assert failed(told) == ["amountStep", "priceStep", "minNotional"]
    assert check_of(told, "priceStep") == {
        "name": "priceStep",
        "passed": False,
        "limit": "0.01",
        "actual": "999.999",
        "message": "price 999.999 is not a multiple of the step 0.01;"
        " the nearest valid values are 999.99 and 1000",
    }


async def test_what_cannot_be_checked_says_why(client: Client) -> None:
    told = await preview(client, dict(MARKET), symbol="DOGE/USDT")
    assert failed(told)[0] == "symbol"
    assert check_of(told, "balance")["message"] == "not checked: the symbol is not known"
    assert (told["notional"], told["estimatedFee"]) == (None, None)


async def test_an_exchange_that_is_away_is_told(client: Client, faults: Faults) -> None:
    faults.is_disconnected = True
    told = await preview(client, dict(MARKET))
    assert told["refusal"]["code"] == "EXCHANGE_UNAVAILABLE"
    assert told["refusal"]["retryable"] is True


async def test_a_repeat_would_be_replayed_and_another_input_is_a_conflict(client: Client) -> None:
    await place(client, clientOrderId="mine")
    same = await preview(client, dict(MARKET), clientOrderId="mine")
    other = await preview(client, dict(MARKET), clientOrderId="mine", amount="0.002")
    assert same["refusal"] is None
    assert other["refusal"]["code"] == "IDEMPOTENCY_CONFLICT"
    assert other["refusal"]["existingOrder"] == {"clientOrderId": "mine"}
    assert check_of(other, "clientOrderIdUnused")["passed"] is False


async def test_the_limit_of_open_orders_counts_what_is_open(serve: Serve) -> None:
    api = await serve(accounts__paper__exchange="paper", accounts__paper__max_open_orders="1")
    client = api.client()
    free = check_of(await preview(client, dict(WAITING)), "maxOpenOrders")
    assert (free["passed"], free["limit"], free["actual"]) == (True, "1", "0")
    await place(client, WAITING)
    told = await preview(client, dict(WAITING))
    assert told["refusal"]["code"] == "RISK_LIMIT"
    assert (await answer(client, WAITING))["code"] == "RISK_LIMIT"


async def test_a_limit_that_crosses_pays_as_taker_and_one_that_waits_as_maker(
    serve: Serve,
) -> None:
    fees = {
        "accounts__paper__exchange": "paper",
        "accounts__paper__paper__maker_fee": "0.0005",
        "accounts__paper__paper__taker_fee": "0.002",
    }
    client = (await serve(**fees)).client()
    last = await price_of(client)
    crossing = await preview(client, dict(WAITING), price=str(last + 100))
    waiting = await preview(client, dict(WAITING))
    for told, rate in ((crossing, "0.002"), (waiting, "0.0005")):
        paid = Decimal(told["estimatedFee"]["amount"])
        assert paid == Decimal(told["notional"]) * Decimal(rate)
