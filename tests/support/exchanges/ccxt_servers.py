"""A scripted HTTP server for the real ccxt library: a test sets the answer for each path."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

MARKET: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "baseAssetPrecision": 8,
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "orderTypes": [
        "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    ],
    "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": False,
    "permissions": ["SPOT"],
    "permissionSets": [["SPOT"]],
    "filters": [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.01000000",
            "maxPrice": "1000000.00000000",
            "tickSize": "0.01000000",
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": "0.00001000",
            "maxQty": "9000.00000000",
            "stepSize": "0.00001000",
        },
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
    ],
}  # fmt: skip
BALANCE = {
    "balances": [
        {"asset": "BTC", "free": "0.50000000", "locked": "0.10000000"},
        {"asset": "USDT", "free": "10000.00000000", "locked": "0.00000000"},
    ]
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request that the server received."""

    method: str
    path: str
    fields: dict[str, str]


@dataclass
class Server:
    """The answers by method and path, the requests received, and the server's address."""

    address: str = ""
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, answer: Answer) -> None:
        self.answers[method, path] = answer

    def said(self, method: str, path: str) -> list[dict[str, str]]:
        """The fields of every request with this method and path."""
        return [
            request.fields
            for request in self.asked
            if (request.method, request.path) == (method, path)
        ]

    @property
    def binance(self) -> dict[str, Any]:
        """ccxt options that point its Binance class here, and load only what is answered."""
        base = f"{self.address}/api/v3"
        socket = f"{self.address.replace('http', 'ws')}/ws-api/v3"
        return {
            "urls": {"api": {"public": base, "private": base, "ws": {"ws-api": {"spot": socket}}}},
            "options": {"fetchMarkets": {"types": ["spot"]}},
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        sent = dict(parse_qsl(request.query_string)) | dict(parse_qsl(await request.text()))
        self.asked.append(Asked(method=request.method, path=request.path, fields=sent))
        known = self.answers.get((request.method, request.path))
        return web.Response(status=404) if known is None else await known(request)


def says(body: Any, status: int = 200, **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


def shows(page: str, status: int = 200) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=page, status=status, content_type="text/html")

    return answer


async def hangs_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cuts_the_body_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "500"})
    await response.prepare(request)
    await response.write(b'{"orderId": 28')
    return await hangs_up(request)


class UserStream:
    """Binance's account stream, on which a test sends events."""

    def __init__(self, server: Server) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.subscribed = asyncio.Event()
        server.on("GET", "/ws-api/v3", self._serve)

    async def send(self, event: dict[str, Any]) -> None:
        await self.sockets[-1].send_json({"subscriptionId": 0, "event": event})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                asked = message.json()
                await socket.send_json(
                    {"id": asked["id"], "status": 200, "result": {"subscriptionId": 0}}
                )
                self.subscribed.set()
        return socket


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """A server on a free port that answers with one market and some balances."""
    server = Server()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    server.on("GET", "/api/v3/exchangeInfo", says({"timezone": "UTC", "symbols": [MARKET]}))
    server.on("GET", "/api/v3/account", says(BALANCE))
    try:
        yield server
    finally:
        await runner.cleanup()
