"""Accounts at a real exchange, over the genuine ccxt, as a client of the API meets them."""

import asyncio
from decimal import Decimal

import pytest

from tests.api.orders.test_reconcile import reconcile
from tests.api.portfolio.test_positions import close, positions
from tests.api.real.conftest import Open
from tests.api.real.real_trading import PREVIEW, Trading
from tests.support.api.clients import Data
from tests.support.api.metrics import value
from tests.support.api.trading import CANCEL, MARKET, PLACE, WAITING, place, refusal
from tests.support.venues.binance.venue import Venue
from tests.support.venues.engine.accounts import Commission
from tests.support.venues.engine.orders import Status
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

AMEND = """mutation ($id: ID!) {
  amendOrder(input: {id: $id, price: "41000"}) { ... on Refusal { code } }
}"""
STOPS = ("STOP_MARKET", "STOP_LIMIT", "TAKE_PROFIT_MARKET", "TAKE_PROFIT_LIMIT")


async def test_an_order_is_filled_with_the_exchange_s_own_trades_and_fees(trading: Trading) -> None:
    order = await place(trading.client, clientOrderId="mine")
    assert order["status"] == "FILLED"
    seen = await trading.order("mine")
    assert seen["source"] == "API"
    assert seen["fees"] == [{"currency": "BTC", "amount": "0.000001"}]
    assert seen["fills"]["nodes"] == [
        {"price": "50000", "amount": "0.001", "fee": {"amount": "0.000001"}}
    ]
    [held] = trading.venue.orders(trading.account)
    assert held.client_order_id != "mine"
    trading.venue.journal.assert_nothing_was_sent_twice()


async def test_a_position_is_closed_by_a_reduce_only_order_that_the_exchange_takes_as_any(
    trading: Trading,
) -> None:
    client = trading.client
    [held] = (await positions(client, symbols=["BTC/USDT"]))["nodes"]
    closing = {"id": held["id"], "amount": "0.5", "clientOrderId": "out"}
    refused = await close(client, **closing)
    assert refused["code"] == "INVALID_INPUT"
    assert "closeExternal closes what came from outside" in refused["message"]
    assert trading.venue.journal.of(RequestKind.CREATE_ORDER) == []
    closing["closeExternal"] = True
    told = await close(client, **closing)
    assert (told["order"]["reduceOnly"], told["order"]["status"]) == (True, "FILLED")
    [sent] = trading.venue.journal.of(RequestKind.CREATE_ORDER)
    assert "reduceOnly" not in sent.params
    await reconcile(client, "main")
    again = await close(client, **closing)
    assert again == {**told, "replayed": True}
    [rest] = (await positions(client, symbols=["BTC/USDT"]))["nodes"]
    assert Decimal(rest["amount"]) == Decimal(held["amount"]) - Decimal("0.5")


async def test_what_the_exchange_tells_by_itself_is_counted(trading: Trading) -> None:
    labels = {"account": "main"}
    await place(trading.client, clientOrderId="mine")
    assert await value(trading.client, "orderdeck_stream_gaps_total", **labels) == 1
    assert await value(trading.client, "orderdeck_account_connected", **labels) == 1
    compared = await value(
        trading.client, "orderdeck_reconciliations_total", outcome="done", **labels
    )
    assert compared >= 1

    async def lag() -> Data:
        return {"told": await value(trading.client, "orderdeck_news_lag_seconds_count", **labels)}

    await trading.until(lag, lambda seen: seen["told"] >= 1)


async def test_the_account_says_where_it_trades_and_what_it_can(trading: Trading) -> None:
    main = await trading.main()
    assert (main["exchange"], main["mode"]) == ("binance", "LIVE")
    assert (main["connectivity"], main["connectivityDetail"]) == ("CONNECTED", None)
    assert main["lastReconciledAt"] is not None
    assert main["capabilities"] == {
        "orderTypes": ["MARKET", "LIMIT", *STOPS], "amendOrder": False, "streamingOrders": True,
    }  # fmt: skip


async def test_what_happens_on_the_exchange_is_heard(trading: Trading) -> None:
    await place(trading.client, WAITING, clientOrderId="mine", price="40000")
    [held] = trading.venue.orders(trading.account)
    trading.venue.fill(held.id)
    seen = await trading.until_order("mine", "FILLED")
    assert seen["filled"] == "0.01"


async def test_a_cancel_reaches_the_exchange(trading: Trading) -> None:
    order = await place(trading.client, WAITING, price="40000")
    told = await trading.client.ask(CANCEL, input={"id": order["id"]})
    assert told["cancelOrder"]["order"]["status"] == "CANCELED"
    [held] = trading.venue.orders(trading.account)
    assert held.status is Status.CANCELED


async def test_a_lost_answer_is_doubt_and_then_the_truth(trading: Trading) -> None:
    venue = trading.venue
    venue.faults.on(RequestKind.CREATE_ORDER, faults.CUT.after_acceptance(), times=1)
    venue.faults.on(RequestKind.FETCH_ORDER, faults.CUT, times=2)
    order = await place(trading.client, WAITING, clientOrderId="lost", price="40000")
    assert order["status"] in {"IN_DOUBT", "OPEN"}
    seen = await trading.until_order("lost", "OPEN")
    assert seen["filled"] == "0"
    assert len(venue.orders(trading.account)) == 1
    venue.journal.assert_nothing_was_sent_twice()


async def test_what_never_arrived_is_rejected_once_that_is_sure(trading: Trading) -> None:
    trading.venue.faults.on(RequestKind.CREATE_ORDER, faults.CUT, times=1)
    order = await place(trading.client, WAITING, clientOrderId="lost", price="40000")
    assert order["status"] == "IN_DOUBT"
    await trading.clock.advance(10)
    assert (await trading.order("lost"))["status"] == "IN_DOUBT"
    seen = await trading.until_order("lost", "REJECTED")
    assert seen["filled"] == "0"
    assert trading.venue.orders(trading.account) == []


async def test_an_order_that_cannot_be_amended_in_place_is_left_as_it_was(trading: Trading) -> None:
    order = await place(trading.client, WAITING, price="40000")
    told = await trading.client.ask(AMEND, id=order["id"])
    assert told["amendOrder"]["code"] == "UNSUPPORTED"
    [held] = trading.venue.orders(trading.account)
    assert held.price == Decimal(40000)


async def test_no_order_is_taken_before_the_account_was_compared(open_trading: Open) -> None:
    trading = await open_trading(reconcile_seconds="5")
    trading.venue.faults.on(RequestKind.OPEN_ORDERS, faults.CUT, times=None)
    await trading.until(trading.main, lambda main: main["connectivity"] != "CONNECTING")
    why = await refusal(trading.client, WAITING, price="40000")
    assert (why["code"], why["retryable"]) == ("EXCHANGE_UNAVAILABLE", True)
    assert "being compared with its exchange" in why["message"]
    trading.venue.faults.off()
    await trading.until_in_step()
    await place(trading.client, WAITING, price="40000")


async def test_an_exchange_that_is_down_at_start_is_told_and_comes_back(
    open_trading: Open, venue: Venue
) -> None:
    venue.black_out()
    trading = await open_trading()
    down = await trading.until(trading.main, lambda main: main["connectivity"] == "DISCONNECTED")
    assert "exchange" in down["connectivityDetail"]
    why = await refusal(trading.client, WAITING)
    assert (why["code"], why["retryable"]) == ("EXCHANGE_UNAVAILABLE", True)
    assert down["connectivityDetail"] in why["message"]
    assert (await trading.client.ask("{ orders { totalCount } }"))["orders"] == {"totalCount": 0}
    venue.light_up()
    await trading.until_in_step()
    await place(trading.client, WAITING, price="40000")


async def test_one_exchange_that_is_down_holds_up_no_other_account(
    open_trading: Open, venue: Venue
) -> None:
    venue.black_out()
    trading = await open_trading(accounts__sim__exchange="paper")
    await place(trading.client, account="sim")
    why = await refusal(trading.client, account="main")
    assert why["code"] == "EXCHANGE_UNAVAILABLE"


async def test_accounts_trade_side_by_side_and_each_is_named(open_trading: Open) -> None:
    trading = await open_trading(accounts__sim__exchange="paper")
    await trading.until_in_step()
    _, extensions = await trading.client.refused(PLACE, input={**MARKET})
    assert extensions["field"] == ["input", "account"]
    for account in ("main", "sim"):
        await place(trading.client, account=account, clientOrderId="same")
    assert len(trading.venue.orders(trading.account)) == 1
    told = await trading.client.ask("{ orders { nodes { clientOrderId account { name } } } }")
    assert {one["account"]["name"] for one in told["orders"]["nodes"]} == {"main", "sim"}


async def test_without_money_the_order_is_refused_before_it_is_sent(trading: Trading) -> None:
    why = await refusal(trading.client, amount="100")
    assert why["code"] == "INSUFFICIENT_FUNDS"
    assert not trading.venue.journal.of(RequestKind.CREATE_ORDER)


async def test_a_page_in_the_place_of_the_balances_is_no_lack_of_money(trading: Trading) -> None:
    await trading.clock.advance(10)
    trading.venue.faults.on(RequestKind.ACCOUNT, faults.HTML)
    why = await refusal(trading.client)
    assert (why["code"], why["retryable"]) == ("EXCHANGE_UNAVAILABLE", True)
    await place(trading.client)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": "40000.001"}, "PRECISION"),
        ({"amount": "0.0000001"}, "PRECISION"),
        ({"amount": "0.00001", "price": "40000"}, "MIN_NOTIONAL"),
        ({"symbol": "NO/SUCH"}, "UNKNOWN_SYMBOL"),
        ({"positionType": "MARGIN"}, "UNSUPPORTED"),
    ],
)
async def test_what_the_exchange_would_not_take_is_not_sent(
    trading: Trading, changes: Data, code: str
) -> None:
    assert (await refusal(trading.client, {**WAITING, **changes}))["code"] == code
    assert not trading.venue.journal.of(RequestKind.CREATE_ORDER)


async def test_no_key_is_told_by_the_api_or_in_the_logs(
    open_trading: Open, venue: Venue, capsys: pytest.CaptureFixture[str]
) -> None:
    trading = await open_trading(accounts__main__api_key="wrong-" + "k" * 20)
    down = await trading.until(trading.main, lambda main: main["connectivityDetail"] is not None)
    printed = str(down) + "".join(capsys.readouterr())
    assert down["connectivity"] == "DISCONNECTED"
    assert "key" in down["connectivityDetail"]
    assert "wrong-" not in printed
    assert trading.account.secret not in printed


async def test_an_order_placed_elsewhere_is_taken_in_with_its_trades(trading: Trading) -> None:
    await place(trading.client, clientOrderId="mine")
    waiting = trading.venue.place_elsewhere(trading.account, "BTCUSDT", "SELL", "0.5", "60000")
    traded = trading.venue.place_elsewhere(trading.account, "BTCUSDT", "BUY", "0.1")
    told = await reconcile(trading.client, "main")
    assert told["problems"] == []
    assert len(told["imported"]) == 2
    for held, status, filled in ((waiting, "OPEN", "0"), (traded, "FILLED", "0.1")):
        seen = await trading.order(held.client_order_id)
        assert (seen["source"], seen["status"], seen["filled"]) == ("EXTERNAL", status, filled)
    assert seen["fees"] == [{"currency": "BTC", "amount": "0.0001"}]
    again = await reconcile(trading.client, "main")
    assert (again["imported"], again["changed"]) == ([], [])


async def test_a_fill_that_no_stream_told_is_found_with_its_trade(trading: Trading) -> None:
    await place(trading.client, WAITING, clientOrderId="mine", price="40000")
    trading.venue.user_streams.sockets.fall_silent()
    [held] = trading.venue.orders(trading.account)
    trading.venue.fill(held.id)
    told = await reconcile(trading.client, "main")
    assert [one["clientOrderId"] for one in told["changed"]] == ["mine"]
    seen = await trading.order("mine")
    assert seen["fees"] == [{"currency": "BTC", "amount": "0.00001"}]


async def test_trades_that_could_not_be_asked_for_are_asked_for_again(trading: Trading) -> None:
    await place(trading.client, WAITING, clientOrderId="mine", price="40000")
    trading.venue.user_streams.sockets.fall_silent()
    trading.venue.faults.on(RequestKind.MY_TRADES, faults.CUT, times=None)
    [held] = trading.venue.orders(trading.account)
    trading.venue.fill(held.id)
    await reconcile(trading.client, "main")
    seen = await trading.order("mine")
    assert (seen["status"], seen["fees"]) == ("FILLED", [])
    trading.venue.faults.off()
    await reconcile(trading.client, "main")
    seen = await trading.order("mine")
    assert seen["fees"] == [{"currency": "BTC", "amount": "0.00001"}]


async def test_money_is_asked_after_once_for_many_orders_and_anew_after_each_change(
    trading: Trading,
) -> None:
    asked = trading.venue.journal.count
    before = asked(RequestKind.ACCOUNT)
    previews = [trading.client.ask(PREVIEW, input={**WAITING, "price": "40000"}) for _ in range(8)]
    await asyncio.gather(*previews)
    assert asked(RequestKind.ACCOUNT) - before <= 1
    await place(trading.client, amount="0.5")
    sold = await place(trading.client, side="SELL", amount="2.4", clientOrderId="sold")
    assert sold["status"] == "FILLED"
    bought = await place(trading.client, amount="3.8", clientOrderId="bought")
    assert bought["status"] == "FILLED"


HELD = (
    """{ positions { nodes { symbol amount entryPrice realizedPnl } problems { subject code } } }"""
)


async def test_a_fee_in_a_third_currency_counts_for_what_it_was_worth(trading: Trading) -> None:
    trading.account.commission = Commission.BNB
    trading.venue.deposit(trading.account, "BNB", 5)
    order = await place(trading.client, amount="0.1", clientOrderId="mine")
    assert order["status"] == "FILLED"
    [fee] = (await trading.order("mine"))["fees"]
    assert fee["currency"] == "BNB"

    async def held() -> Data:
        found = (await trading.client.ask(HELD))["positions"]
        [ours] = [one for one in found["nodes"] if one["symbol"] == "BTC/USDT"]
        return {**ours, "codes": {one["code"] for one in found["problems"]}}

    ours = await trading.until(held, lambda seen: "UNVALUED_FEE" not in seen["codes"])
    bnb = await trading.client.ask('{ ticker(symbol: "BNB/USDT", account: "main") { last } }')
    worth = Decimal(fee["amount"]) * Decimal(bnb["ticker"]["last"])
    assert Decimal(ours["realizedPnl"]) == -worth != 0
    assert (ours["entryPrice"], ours["amount"]) == (None, "2.1")
