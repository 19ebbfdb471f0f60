"""The local Binance's routes, and how its HTTP requests are read."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from tests.support.venues.binance.api.signatures import without_signature
from tests.support.venues.serving.requests import Request, RequestKind

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


async def read(request: web.BaseRequest, at: int) -> Request:
    kind = ROUTES.get((request.method, request.path), RequestKind.UNKNOWN)
    query, body = request.rel_url.raw_query_string, await request.text()
    pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
    params = dict(pairs)
    return Request(
        kind=kind,
        at=at,
        params=params,
        client_order_id=named_order(params),
        payload=without_signature(query) + without_signature(body),
        api_key=request.headers.get("X-MBX-APIKEY"),
    )


def named_order(params: Mapping[str, str]) -> str | None:
    return params.get("newClientOrderId") or params.get("origClientOrderId")
