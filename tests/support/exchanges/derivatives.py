"""A rig of the ccxt adapter against scripted servers that list swaps and positions."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from app.domain.accounts import AccountMode
from app.exchanges.ccxt.connection.clients import CcxtTerms
from app.exchanges.ccxt.connection.sessions import MarketCache
from app.exchanges.ccxt.exchange import CcxtExchange
from tests.support.exchanges.ccxt import TIME
from tests.support.exchanges.ccxt_servers import BALANCE, MARKET, Server, says, serving
from tests.support.exchanges.random_sessions import JumpingClock

Page = dict[str, Any]

_BINANCE_SWAP = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "baseAssetPrecision": 8,
    "quotePrecision": 8,
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "1", "maxPrice": "999999"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
    ],
    "orderTypes": ["LIMIT", "MARKET"],
}
_BRACKETS = [
    {
        "symbol": "BTCUSDT",
        "brackets": [
            {"bracket": 1, "notionalFloor": 0, "maintMarginRatio": 0.004},
            {"bracket": 2, "notionalFloor": 50000, "maintMarginRatio": 0.005},
        ],
    }
]


def _bybit_market(symbol: str, **changes: Any) -> Page:
    base = {
        "symbol": symbol,
        "status": "Trading",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {
            "basePrecision": "0.000001", "maxOrderQty": "119", "minOrderQty": "0.001",
            "qtyStep": "0.001",
        },
    }  # fmt: skip
    return {**base, **changes}


_BYBIT_MARKETS = {
    "spot": [_bybit_market("BTCUSDT")],
    "linear": [
        _bybit_market(
            "BTCUSDT", contractType="LinearPerpetual", settleCoin="USDT", deliveryTime="0"
        ),
        _bybit_market(
            "ETHPERP", contractType="LinearPerpetual", settleCoin="USDC", deliveryTime="0",
            baseCoin="ETH", quoteCoin="USDC",
        ),
    ],
}  # fmt: skip


def _okx_market(name: str, **changes: Any) -> Page:
    base = {
        "instId": name, "baseCcy": "", "quoteCcy": "", "settleCcy": "", "ctVal": "", "ctMult": "",
        "ctType": "", "lever": "10", "lotSz": "0.01", "minSz": "0.01", "tickSz": "0.1",
        "state": "live", "uly": "", "expTime": "", "stk": "", "optType": "", "listTime": "1",
        "instIdCode": 1,
    }  # fmt: skip
    return {**base, **changes}


_OKX_MARKETS = {
    "SPOT": [_okx_market("BTC-USDT", instType="SPOT", baseCcy="BTC", quoteCcy="USDT")],
    "SWAP": [
        _okx_market(
            "BTC-USDT-SWAP", instType="SWAP", settleCcy="USDT", ctVal="0.01", ctMult="1",
            ctType="linear", uly="BTC-USDT",
        ),
        _okx_market(
            "BTC-USD-SWAP", instType="SWAP", settleCcy="BTC", ctVal="100", ctMult="1",
            ctType="inverse", uly="BTC-USD",
        ),
    ],
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Place:
    """One exchange's endpoint for positions, and what ccxt needs to be pointed at it."""

    exchange: str
    path: str
    # Its other answers, by path.
    pages: Mapping[str, Any]
    types: tuple[str, ...]

    def wrapped(self, rows: list[Page], **more: Any) -> Any:
        match self.exchange:
            case "binance":
                return rows
            case "bybit":
                return bybit_page(rows, **more)
            case _:
                return {"code": "0", "msg": "", "data": rows}


def bybit_page(rows: list[Page], **more: Any) -> Page:
    return {"retCode": 0, "retMsg": "OK", "result": {"list": rows, **more}}


PLACES = {
    "binance": Place(
        exchange="binance",
        path="/fapi/v3/positionRisk",
        pages={
            "/fapi/v1/exchangeInfo": {"timezone": "UTC", "symbols": [_BINANCE_SWAP]},
            "/fapi/v1/leverageBracket": _BRACKETS,
        },
        types=("spot", "linear"),
    ),
    "bybit": Place(
        exchange="bybit",
        path="/v5/position/list",
        pages={
            "/v5/market/time": {
                "retCode": 0,
                "result": {"timeNano": f"{TIME}000000"},
                "time": TIME,
            },
            "/v5/user/query-api": {"retCode": 0, "result": {"unified": 0, "uta": 1}},
            "/v5/account/info": {"retCode": 0, "result": {"unifiedMarginStatus": 4}},
            "/v5/account/wallet-balance": {
                "retCode": 0,
                "result": {"list": [{"accountType": "UNIFIED", "coin": []}]},
                "time": TIME,
            },
        },
        types=("spot", "linear"),
    ),
    "okx": Place(
        exchange="okx",
        path="/api/v5/account/positions",
        pages={
            "/api/v5/public/time": {"code": "0", "data": [{"ts": str(TIME)}]},
            "/api/v5/account/balance": {"code": "0", "data": [{"uTime": str(TIME), "details": []}]},
        },
        types=("spot", "swap"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class DerivativesRig:
    """An adapter whose exchange has swaps, the scripted server, and the clock."""

    exchange: CcxtExchange
    server: Server
    clock: JumpingClock
    place: Place

    def holds(self, *rows: Page) -> None:
        self.server.on("GET", self.place.path, says(self.place.wrapped(list(rows))))

    def said(self) -> list[dict[str, str]]:
        """The fields of the requests for positions, without signatures and times."""
        unimportant = {"timestamp", "signature", "recvWindow"}
        asked = self.server.said("GET", self.place.path)
        return [
            {name: value for name, value in fields.items() if name not in unimportant}
            for fields in asked
        ]


@asynccontextmanager
async def at_derivatives(name: str, **options: Any) -> AsyncIterator[DerivativesRig]:
    """A connected rig of the named exchange, which lists spot markets and swaps."""
    place, clock = PLACES[name], JumpingClock(datetime(2025, 6, 1, 12, tzinfo=UTC))
    async with serving() as server:
        _answer_for(place, server)
        terms = _terms(place, server, **options)
        exchange = CcxtExchange(terms, clock, MarketCache(clock))
        running = asyncio.create_task(exchange.run())
        try:
            async with asyncio.timeout(10):
                await exchange.opened.wait()
            yield DerivativesRig(exchange=exchange, server=server, clock=clock, place=place)
        finally:
            running.cancel()
            await asyncio.wait([running])


def _answer_for(place: Place, server: Server) -> None:
    server.on("GET", "/api/v3/time", says({"serverTime": TIME}))
    server.on("GET", "/api/v3/account", says(BALANCE))
    server.on("GET", "/api/v3/exchangeInfo", says({"timezone": "UTC", "symbols": [MARKET]}))
    server.on("GET", "/v5/market/instruments-info", _bybit_instruments)
    server.on("GET", "/api/v5/public/instruments", _okx_instruments)
    for path, page in place.pages.items():
        server.on("GET", path, says(page))


async def _bybit_instruments(request: web.Request) -> web.StreamResponse:
    category = request.query["category"]
    found = [] if "status" in request.query else _BYBIT_MARKETS[category]
    return web.json_response(bybit_page(found, category=category))


async def _okx_instruments(request: web.Request) -> web.StreamResponse:
    return web.json_response({"code": "0", "data": _OKX_MARKETS[request.query["instType"]]})


def _terms(place: Place, server: Server, **options: Any) -> CcxtTerms:
    base = server.address
    versions = {
        f"fapi{kind}{v}": f"{base}/fapi/v{v[1:] or 1}"
        for kind in ("Public", "Private")
        for v in ("", "V2", "V3")
    }
    spot = {"public": f"{base}/api/v3", "private": f"{base}/api/v3"}
    whole = {"rest": base, "public": base, "private": base}
    urls = spot | versions if place.exchange == "binance" else whole
    return CcxtTerms(
        exchange=place.exchange,
        mode=AccountMode.LIVE,
        api_key=SecretStr("key"),
        secret=SecretStr("secret"),
        password=SecretStr("pass"),
        overrides={
            "urls": {"api": urls},
            "options": {"fetchMarkets": {"types": list(place.types)}, **options},
            "has": {"watchOrders": False, "watchMyTrades": False},
            "timeout_on_exit": 0,
            "verify": False,
            "rateLimit": 1e-9,
        },
    )
