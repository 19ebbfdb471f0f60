"""The fake Binance over HTTP: routes, responses, and faults of the connection."""

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qsl

from aiohttp import web

from tests.support.binance.api.faults import Answer, Cut, Outcome, Silence, page
from tests.support.binance.api.gate import Gate
from tests.support.binance.api.requests import Request, RequestKind
from tests.support.binance.api.signatures import without_signature

ROUTES = {
    ("GET", "/api/v3/ping"): RequestKind.PING,
    ("GET", "/api/v3/time"): RequestKind.TIME,
    ("GET", "/api/v3/exchangeInfo"): RequestKind.EXCHANGE_INFO,
    ("GET", "/api/v3/ticker/24hr"): RequestKind.TICKER,
    ("GET", "/api/v3/ticker/bookTicker"): RequestKind.BOOK_TICKER,
    ("GET", "/api/v3/ticker/price"): RequestKind.LAST_PRICE,
    ("GET", "/api/v3/klines"): RequestKind.KLINES,
    ("GET", "/api/v3/depth"): RequestKind.DEPTH,
    ("GET", "/api/v3/account"): RequestKind.ACCOUNT,
    ("POST", "/api/v3/order"): RequestKind.CREATE_ORDER,
    ("DELETE", "/api/v3/order"): RequestKind.CANCEL_ORDER,
    ("GET", "/api/v3/order"): RequestKind.FETCH_ORDER,
    ("GET", "/api/v3/openOrders"): RequestKind.OPEN_ORDERS,
    ("DELETE", "/api/v3/openOrders"): RequestKind.CANCEL_ALL,
    ("GET", "/api/v3/allOrders"): RequestKind.ALL_ORDERS,
    ("GET", "/api/v3/myTrades"): RequestKind.MY_TRADES,
    ("GET", "/sapi/v1/account/apiRestrictions"): RequestKind.RESTRICTIONS,
    ("GET", "/sapi/v1/capital/config/getall"): RequestKind.CURRENCIES,
    ("GET", "/sapi/v1/margin/allPairs"): RequestKind.MARGIN_PAIRS,
    ("GET", "/sapi/v1/margin/isolated/allPairs"): RequestKind.MARGIN_PAIRS,
    ("GET", "/fapi/v1/exchangeInfo"): RequestKind.OTHER_MARKETS,
    ("GET", "/dapi/v1/exchangeInfo"): RequestKind.OTHER_MARKETS,
}
_NOT_FOUND = page(404, "404 Not Found").outcome


class Rest:
    def __init__(self, gate: Gate, now: Callable[[], int]) -> None:
        self.is_closing = asyncio.Event()
        self._gate = gate
        self._now = now

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        kind = ROUTES.get((request.method, request.path))
        read = await _read(request, kind or RequestKind.UNKNOWN, self._now())
        if kind is None:
            self._gate.journal.write(read)
            return await self._send(request, _NOT_FOUND)
        return await self._send(request, await self._gate.admit(read))

    async def _send(self, request: web.BaseRequest, outcome: Outcome) -> web.StreamResponse:
        match outcome:
            case Cut():
                return _cut(request)
            case Silence():
                await self.is_closing.wait()
                return _cut(request)
            case Answer(is_cut_short=True):
                return await _send_half(request, outcome)
            case Answer():
                return _response(outcome)


async def _read(request: web.BaseRequest, kind: RequestKind, at: int) -> Request:
    query, body = request.rel_url.raw_query_string, await request.text()
    pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
    return Request(
        kind=kind,
        at=at,
        params=dict(pairs),
        payload=without_signature(query) + without_signature(body),
        api_key=request.headers.get("X-MBX-APIKEY"),
    )


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers=answer.headers,
        content_type=answer.content_type,
    )


def _cut(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def _send_half(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
