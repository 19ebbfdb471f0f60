from decimal import Decimal
from typing import Any

import pytest

from app.domain.accounts import AccountMode, Connectivity
from app.domain.fills import Fee
from app.domain.order_kinds import PLACEABLE, OrderType, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderKey
from app.errors import ExchangeDoubt, ExchangeRejected, ExchangeUnavailable, RefusalCode
from app.ports import ExchangeGateway
from tests.support.exchanges.ccxt import ORDER, TRADE, WIRE, Rig, connected, rigged
from tests.support.exchanges.ccxt_servers import hangs_up, says, shows
from tests.support.exchanges.rigs import a_limit, an_intent, terms_of

PATH = "/api/v3/order"
TRADES = "/api/v3/myTrades"
KEY = OrderKey(symbol="BTC/USDT", wire_id=WIRE, exchange_order_id=None)
INTENT = a_limit(Decimal(100), wire_id=WIRE, amount=Decimal("0.3"))
NO_SUCH = says({"code": -2013, "msg": "Order does not exist."}, 400)
CANCELED = ORDER | {"status": "CANCELED"}
PARTLY = ORDER | {
    "status": "PARTIALLY_FILLED",
    "executedQty": "0.10000000",
    "cummulativeQuoteQty": "9.99900000",
}


def gateway_of(rig: Rig) -> ExchangeGateway:
    return rig.exchange


async def test_it_is_a_gateway_with_markets_prices_and_money() -> None:
    async with connected() as rig:
        ticker = {
            "symbol": "BTCUSDT",
            "bidPrice": "99.99",
            "askPrice": "100.01",
            "lastPrice": "100",
        }
        rig.server.on("GET", "/api/v3/ticker/24hr", says(ticker))
        gateway = gateway_of(rig)
        assert list(await gateway.markets()) == ["BTC/USDT"]
        assert (await gateway.balances())["BTC"].used == Decimal("0.1")
        found = await gateway.tickers(["BTC/USDT", "NO/SUCH"])
        assert {symbol: one.ask for symbol, one in found.items()} == {"BTC/USDT": Decimal("100.01")}
        assert await gateway.tickers(["NO/SUCH"]) == {}


async def test_it_offers_what_the_client_says_and_nothing_before_there_is_one() -> None:
    async with connected() as rig:
        told = rig.exchange.capabilities
        assert told.order_types == PLACEABLE
        assert set(told.time_in_force) == set(TimeInForce)
        assert (told.amend_order, told.positions) == (False, False)
    least = rig.exchange.capabilities
    assert least.order_types == (OrderType.MARKET, OrderType.LIMIT)
    assert least.time_in_force == (TimeInForce.GTC,)


async def test_an_order_is_sent_once_and_answered() -> None:
    async with connected() as rig:
        rig.server.on("POST", PATH, says(ORDER))
        report = await rig.exchange.submit(INTENT)
        assert (report.exchange_order_id, report.wire_id) == ("28", WIRE)
        assert report.status is OrderStatus.OPEN
        assert report.terms is None
        (sent,) = rig.server.said("POST", PATH)
        assert (sent["newClientOrderId"], sent["quantity"]) == (WIRE, "0.3")


async def test_the_fills_of_an_answer_come_with_their_fees() -> None:
    fills = [
        {
            "price": "99.99",
            "qty": "0.1",
            "commission": "0.0001",
            "commissionAsset": "BTC",
            "tradeId": 7,
        },
        {
            "price": "100.00",
            "qty": "0.2",
            "commission": "0.0002",
            "commissionAsset": "BTC",
            "tradeId": 8,
        },
    ]
    filled = {"status": "FILLED", "executedQty": "0.3", "cummulativeQuoteQty": "29.999"}
    async with connected() as rig:
        rig.server.on(
            "POST", PATH, says(ORDER | filled | {"fills": fills, "transactTime": 1748779200000})
        )
        report = await rig.exchange.submit(INTENT)
    assert report.status is OrderStatus.FILLED
    assert (report.filled, report.cost) == (Decimal("0.3"), Decimal("29.999"))
    assert [fill.trade_id for fill in report.fills] == ["7", "8"]
    assert report.fills[1].fee == Fee(currency="BTC", amount=Decimal("0.0002"))


@pytest.mark.parametrize(
    "answer",
    [hangs_up, shows("<html>"), says({}), shows("oops", 502)],
    ids=["cut off", "a page", "an empty answer", "a bad gateway"],
)
async def test_an_unclear_answer_is_doubt_and_nothing_is_sent_again(answer: Any) -> None:
    async with connected() as rig:
        rig.server.on("POST", PATH, answer)
        with pytest.raises(ExchangeDoubt):
            await rig.exchange.submit(INTENT)
        assert len(rig.server.said("POST", PATH)) == 1


async def test_a_no_is_a_refusal() -> None:
    async with connected() as rig:
        no = says(
            {"code": -2010, "msg": "Account has insufficient balance for requested action."}, 400
        )
        rig.server.on("POST", PATH, no)
        with pytest.raises(ExchangeRejected, match="INSUFFICIENT_FUNDS") as caught:
            await rig.exchange.submit(INTENT)
        assert caught.value.refusal.retryable
        assert rig.exchange.connection.connectivity is Connectivity.CONNECTED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": Decimal("100.001")}, RefusalCode.PRECISION),
        ({"amount": Decimal("0.000001")}, RefusalCode.PRECISION),
        ({"symbol": "NO/SUCH"}, RefusalCode.UNKNOWN_SYMBOL),
    ],
)
async def test_what_must_not_be_sent_never_reaches_the_exchange(
    changes: dict[str, Any], code: RefusalCode
) -> None:
    async with connected() as rig:
        with pytest.raises(ExchangeRejected) as caught:
            await rig.exchange.submit(
                an_intent(type=OrderType.LIMIT, **({"price": Decimal(100)} | changes))
            )
        assert caught.value.refusal.code is code
        assert rig.server.said("POST", PATH) == []


async def test_an_account_that_has_only_prices_places_nothing() -> None:
    async with connected(mode=AccountMode.PAPER) as rig:
        with pytest.raises(ExchangeRejected, match="UNSUPPORTED"):
            await rig.exchange.submit(INTENT)
        assert "/api/v3/account" not in {one.path for one in rig.server.asked}


async def test_an_order_is_found_by_our_id_with_its_own_trades() -> None:
    async with connected() as rig:
        rig.server.on("GET", PATH, says(PARTLY))
        rig.server.on("GET", TRADES, says([TRADE, TRADE, TRADE | {"id": 9, "orderId": 29}]))
        report = await rig.exchange.find(KEY)
        assert report is not None
        assert report.status is OrderStatus.PARTIALLY_FILLED
        assert [fill.trade_id for fill in report.fills] == ["7"]
        assert report.fills[0].fee == Fee(currency="BTC", amount=Decimal("0.0001"))
        assert rig.server.said("GET", PATH)[0]["origClientOrderId"] == WIRE


async def test_a_trade_that_cannot_be_read_is_counted_and_hides_no_other() -> None:
    async with connected() as rig:
        rig.server.on("GET", PATH, says(PARTLY))
        rig.server.on("GET", TRADES, says([TRADE, TRADE | {"id": 8, "price": "NaN"}]))
        report = await rig.exchange.find(KEY)
        assert report is not None
        assert [fill.trade_id for fill in report.fills] == ["7"]
        assert rig.exchange.anomalies["trade_unreadable"] == 1


async def test_where_the_trades_cannot_be_had_the_totals_stand_for_them() -> None:
    async with connected() as rig:
        rig.server.on("GET", PATH, says(PARTLY))
        rig.server.on("GET", TRADES, shows("oops", 502))
        report = await rig.exchange.find(KEY)
        assert report is not None
        assert (report.fills, report.filled) == ((), Decimal("0.1"))
        assert rig.exchange.anomalies["trades_unanswered"] == 1


async def test_not_there_is_said_only_where_the_exchange_said_so() -> None:
    async with connected() as rig:
        rig.server.on("GET", PATH, NO_SUCH)
        assert await rig.exchange.find(KEY) is None
        for unclear in (
            hangs_up,
            shows("oops", 502),
            says({}),
            says({"code": -1, "msg": "?"}, 400),
        ):
            rig.server.on("GET", PATH, unclear)
            with pytest.raises(ExchangeDoubt):
                await rig.exchange.find(KEY)


async def test_another_order_than_was_asked_for_is_not_taken() -> None:
    async with connected() as rig:
        rig.server.on("GET", PATH, says(ORDER | {"orderId": 29, "clientOrderId": "other"}))
        with pytest.raises(ExchangeDoubt, match="another order"):
            await rig.exchange.find(KEY)


async def test_a_cancel_tells_how_the_order_stands() -> None:
    async with connected() as rig:
        rig.server.on("DELETE", PATH, says(CANCELED | {"clientOrderId": "for-the-cancel"}))
        rig.server.on("GET", PATH, says(CANCELED))
        report = await rig.exchange.cancel(KEY)
        assert report is not None
        assert (report.status, report.wire_id) == (OrderStatus.CANCELED, WIRE)


async def test_not_found_in_answer_to_a_cancel_means_look_it_up() -> None:
    async with connected() as rig:
        rig.server.on("DELETE", PATH, says({"code": -2011, "msg": "Unknown order sent."}, 400))
        rig.server.on("GET", PATH, says(CANCELED))
        report = await rig.exchange.cancel(KEY)
        assert report is not None
        assert report.status is OrderStatus.CANCELED
        rig.server.on("GET", PATH, NO_SUCH)
        assert await rig.exchange.cancel(KEY) is None


async def test_an_unclear_answer_to_a_cancel_is_doubt() -> None:
    async with connected() as rig:
        rig.server.on("DELETE", PATH, shows("oops", 502))
        with pytest.raises(ExchangeDoubt):
            await rig.exchange.cancel(KEY)


async def test_an_open_order_that_cannot_be_read_hides_no_other() -> None:
    async with connected() as rig:
        odd = ORDER | {"orderId": 29, "status": "SOMETHING_NEW"}
        rig.server.on("GET", "/api/v3/openOrders", says([odd, ORDER]))
        assert [one.exchange_order_id for one in await rig.exchange.open_orders()] == ["28"]
        assert rig.exchange.anomalies["order_unreadable"] == 1


async def test_an_open_order_that_has_traded_comes_with_its_trades() -> None:
    async with connected() as rig:
        rig.server.on("GET", "/api/v3/openOrders", says([PARTLY]))
        rig.server.on("GET", TRADES, says([TRADE]))
        (report,) = await rig.exchange.open_orders()
        assert (report.filled, [fill.trade_id for fill in report.fills]) == (Decimal("0.1"), ["7"])


async def test_what_happened_since_then_is_told_of_one_market() -> None:
    async with connected() as rig:
        rig.server.on("GET", "/api/v3/allOrders", says([CANCELED, ORDER | {"orderId": 29}]))
        since = rig.clock.now()
        (closed,) = await rig.exchange.closed_orders(since, ["BTC/USDT"])
        assert (closed.exchange_order_id, closed.status) == ("28", OrderStatus.CANCELED)


async def test_amending_is_refused_where_it_could_not_be_told() -> None:
    async with connected() as rig:
        with pytest.raises(ExchangeRejected, match="UNSUPPORTED"):
            await rig.exchange.amend(KEY, terms_of(INTENT))
        assert rig.server.said("GET", PATH) == []


async def test_before_it_is_connected_everything_is_surely_not_sent() -> None:
    async with rigged() as rig:
        gateway = gateway_of(rig)
        assert gateway.connection.connectivity is Connectivity.CONNECTING
        for asked in (
            gateway.submit(INTENT),
            gateway.cancel(KEY),
            gateway.find(KEY),
            gateway.markets(),
        ):
            with pytest.raises(ExchangeUnavailable):
                await asked
