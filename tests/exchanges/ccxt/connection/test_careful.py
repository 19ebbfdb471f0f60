from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderKey
from app.errors import ExchangeDoubt
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks
from tests.support.exchanges.ccxt import ORDER, TRADE, WIRE, Rig, connected
from tests.support.exchanges.ccxt_servers import says, shows

OPEN = "/api/v3/openOrders"
ALL = "/api/v3/allOrders"
TRADES = "/api/v3/myTrades"
OURS = OrderKey(symbol="BTC/USDT", wire_id=WIRE, exchange_order_id=None)
THEIRS = OrderKey(symbol="BTC/USDT", wire_id=WIRE, exchange_order_id="28")
FILLED = ORDER | {"status": "FILLED", "executedQty": "0.3", "cummulativeQuoteQty": "29.997"}


@asynccontextmanager
async def unknown() -> AsyncIterator[Rig]:
    """An exchange that answers well and that nobody has looked at."""
    async with connected() as rig:
        rig.exchange._session.quirks = ExchangeQuirks(exchange="binance", is_known=False)
        for path in (OPEN, ALL, TRADES):
            rig.server.on("GET", path, says([]))
        yield rig


async def test_an_order_is_picked_from_the_lists_by_its_id_alone() -> None:
    twin = ORDER | {"orderId": 29, "clientOrderId": "other"}
    async with unknown() as rig:
        rig.server.on("GET", OPEN, says([twin]))
        assert await rig.exchange.find(OURS) is None
        rig.server.on("GET", ALL, says([twin, FILLED]))
        report = await rig.exchange.find(OURS)
        assert report is not None
        assert (report.exchange_order_id, report.status) == ("28", OrderStatus.FILLED)


async def test_not_there_takes_an_answer_of_every_list() -> None:
    async with unknown() as rig:
        rig.server.on("GET", ALL, shows("oops", 502))
        with pytest.raises(ExchangeDoubt):
            await rig.exchange.find(OURS)


async def test_a_list_that_the_exchange_does_not_have_proves_nothing() -> None:
    async with unknown() as rig:
        rig.exchange._session.client.has["fetchClosedOrders"] = None
        with pytest.raises(ExchangeDoubt, match="offers no fetch_closed_orders"):
            await rig.exchange.find(OURS)


async def test_an_order_in_no_list_whose_trades_are_there_is_not_gone() -> None:
    async with unknown() as rig:
        assert await rig.exchange.find(THEIRS) is None
        rig.server.on("GET", TRADES, says([TRADE]))
        with pytest.raises(ExchangeDoubt, match="trades of the order and not the order"):
            await rig.exchange.find(THEIRS)


async def test_where_our_id_cannot_cancel_the_order_is_looked_up_first() -> None:
    async with unknown() as rig:
        assert await rig.exchange.cancel(OURS) is None
        assert rig.server.said("DELETE", "/api/v3/order") == []
        rig.server.on("GET", OPEN, says([ORDER]))
        rig.server.on("DELETE", "/api/v3/order", says(ORDER | {"status": "CANCELED"}))
        await rig.exchange.cancel(OURS)
        (sent,) = rig.server.said("DELETE", "/api/v3/order")
        assert sent["orderId"] == "28"
