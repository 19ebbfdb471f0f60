"""Through a proxy, as the settings name one."""

import asyncio
from decimal import Decimal
from typing import Any

from app.domain.accounts import Connectivity
from app.exchanges.ccxt.connection.clients import CcxtTerms
from app.exchanges.ccxt.connection.sessions import MarketCache
from app.exchanges.ccxt.exchange import CcxtExchange
from tests.support.clock import ManualClock
from tests.support.exchanges.ccxt import ORDER, WIRE, terms_for
from tests.support.exchanges.ccxt_servers import BALANCE, MARKET, Server, says, serving
from tests.support.exchanges.rigs import a_limit

NOWHERE = "http://exchange.invalid/api/v3"


def behind(server: Server) -> CcxtTerms:
    """An exchange whose name nobody knows but the proxy, which the server plays."""
    known: dict[str, Any] = dict(terms_for(server).overrides)
    urls = {"api": {"public": NOWHERE, "private": NOWHERE}}
    return terms_for(server, overrides=known | {"urls": urls, "httpProxy": server.address})


async def test_everything_that_is_asked_goes_through_the_proxy(clock: ManualClock) -> None:
    async with serving() as server:
        server.on("GET", "/api/v3/time", says({"serverTime": 1748779200000}))
        server.on("GET", "/api/v3/exchangeInfo", says({"symbols": [MARKET]}))
        server.on("GET", "/api/v3/account", says(BALANCE))
        server.on("GET", "/api/v3/openOrders", says([]))
        server.on("POST", "/api/v3/order", says(ORDER))
        exchange = CcxtExchange(behind(server), clock, MarketCache(clock))
        running = asyncio.create_task(exchange.run())
        async with asyncio.timeout(10):
            await exchange.opened.wait()
        assert exchange.connection.connectivity is Connectivity.CONNECTED
        report = await exchange.submit(a_limit(Decimal(100), wire_id=WIRE, amount=Decimal("0.3")))
        assert report.exchange_order_id == "28"
        assert len(server.said("POST", "/api/v3/order")) == 1
        running.cancel()
        await asyncio.wait([running])
