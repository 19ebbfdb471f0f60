"""The local Kraken's routes, and how its HTTP requests are read."""

from urllib.parse import parse_qsl

from aiohttp import web

from tests.support.venues.kraken.api.signatures import PATH, SIGNATURE
from tests.support.venues.serving.requests import Request, RequestKind

_PUBLIC = {
    "Time": RequestKind.TIME,
    "SystemStatus": RequestKind.PING,
    "Assets": RequestKind.CURRENCIES,
    "AssetPairs": RequestKind.EXCHANGE_INFO,
    "Ticker": RequestKind.TICKER,
    "OHLC": RequestKind.KLINES,
    "Depth": RequestKind.DEPTH,
}
_PRIVATE = {
    "BalanceEx": RequestKind.ACCOUNT,
    "AddOrder": RequestKind.CREATE_ORDER,
    "AmendOrder": RequestKind.AMEND_ORDER,
    "CancelOrder": RequestKind.CANCEL_ORDER,
    "CancelAll": RequestKind.CANCEL_ALL,
    "QueryOrders": RequestKind.FETCH_ORDER,
    "OpenOrders": RequestKind.OPEN_ORDERS,
    "ClosedOrders": RequestKind.ALL_ORDERS,
    "TradesHistory": RequestKind.MY_TRADES,
    "QueryTrades": RequestKind.TRADES_BY_ID,
    "GetApiKeyInfo": RequestKind.RESTRICTIONS,
    "GetWebSocketsToken": RequestKind.STREAM_TOKEN,
}
ROUTES = {
    **{("GET", f"/0/public/{name}"): kind for name, kind in _PUBLIC.items()},
    **{("POST", f"/0/private/{name}"): kind for name, kind in _PRIVATE.items()},
}


async def read(request: web.BaseRequest, at: int) -> Request:
    body = await request.text()
    pairs = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
    params = dict(pairs + parse_qsl(body, keep_blank_values=True))
    named = {PATH: request.path, SIGNATURE: request.headers.get("API-Sign", "")}
    return Request(
        kind=ROUTES.get((request.method, request.path), RequestKind.UNKNOWN),
        at=at,
        params={**params, **named},
        client_order_id=params.get("cl_ord_id"),
        payload=body,
        api_key=request.headers.get("API-Key"),
    )
