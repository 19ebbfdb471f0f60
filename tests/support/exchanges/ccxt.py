"""A rig of the ccxt adapter with the real ccxt library, connected to a scripted server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from app.domain.accounts import AccountMode
from app.exchanges.ccxt.connection.clients import CcxtTerms
from app.exchanges.ccxt.connection.sessions import MarketCache
from app.exchanges.ccxt.exchange import CcxtExchange
from tests.support.clock import ManualClock
from tests.support.exchanges.ccxt_servers import Server, UserStream, says, serving

WIRE = "a00000000000000001"
TIME = 1748779200000
ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "clientOrderId": WIRE,
    "price": "100.00000000",
    "origQty": "0.30000000",
    "executedQty": "0.00000000",
    "cummulativeQuoteQty": "0.00000000",
    "status": "NEW",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "BUY",
    "time": TIME,
    "updateTime": TIME,
}
TRADE: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "id": 7,
    "orderId": 28,
    "price": "99.99000000",
    "qty": "0.10000000",
    "quoteQty": "9.99900000",
    "commission": "0.00010000",
    "commissionAsset": "BTC",
    "time": TIME,
    "isBuyer": True,
    "isMaker": True,
}


@dataclass(frozen=True, kw_only=True)
class Rig:
    """The adapter, its clock, and the scripted server with its account stream."""

    exchange: CcxtExchange
    server: Server
    clock: ManualClock
    stream: UserStream


def terms_for(server: Server, *, is_streaming: bool = False, **changes: Any) -> CcxtTerms:
    has = {"watchOrders": is_streaming, "watchMyTrades": is_streaming}
    overrides = server.binance | {"has": has}
    # A rate limit that never makes a test wait: the clock stands still.
    overrides |= {"timeout_on_exit": 0, "verify": False, "timeout": 5000, "rateLimit": 1e-9}
    values: dict[str, Any] = {
        "exchange": "binance",
        "mode": AccountMode.LIVE,
        "api_key": SecretStr("key"),
        "secret": SecretStr("secret"),
        "overrides": overrides,
    }
    return CcxtTerms(**(values | changes))


@asynccontextmanager
async def rigged(**changes: Any) -> AsyncIterator[Rig]:
    """An account with its loops running, not necessarily connected yet."""
    async with serving() as server:
        clock = ManualClock(datetime(2025, 6, 1, 12, tzinfo=UTC))
        server.on("GET", "/api/v3/time", says({"serverTime": TIME}))
        server.on("GET", "/api/v3/openOrders", says([]))
        stream = UserStream(server)
        terms = terms_for(server, **changes)
        exchange = CcxtExchange(terms, clock, MarketCache(clock))
        running = asyncio.create_task(exchange.run())
        try:
            yield Rig(exchange=exchange, server=server, clock=clock, stream=stream)
        finally:
            running.cancel()
            await asyncio.wait([running])


@asynccontextmanager
async def connected(**changes: Any) -> AsyncIterator[Rig]:
    async with rigged(**changes) as rig, asyncio.timeout(20):
        await rig.exchange.opened.wait()
        yield rig
