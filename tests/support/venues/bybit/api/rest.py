"""The local Bybit's routes, and how its HTTP requests are read."""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from tests.support.venues.serving.requests import Request, RequestKind

ROUTES = {
    ("GET", "/v5/market/time"): RequestKind.TIME,
    ("GET", "/v5/market/instruments-info"): RequestKind.EXCHANGE_INFO,
    ("GET", "/v5/market/tickers"): RequestKind.TICKER,
    ("GET", "/v5/market/kline"): RequestKind.KLINES,
    ("GET", "/v5/market/orderbook"): RequestKind.DEPTH,
    ("GET", "/v5/account/wallet-balance"): RequestKind.ACCOUNT,
    ("GET", "/v5/account/info"): RequestKind.ACCOUNT_KIND,
    ("GET", "/v5/user/query-api"): RequestKind.RESTRICTIONS,
    ("POST", "/v5/order/create"): RequestKind.CREATE_ORDER,
    ("POST", "/v5/order/cancel"): RequestKind.CANCEL_ORDER,
    ("POST", "/v5/order/amend"): RequestKind.AMEND_ORDER,
    ("GET", "/v5/order/realtime"): RequestKind.OPEN_ORDERS,
    ("GET", "/v5/order/history"): RequestKind.ALL_ORDERS,
    ("GET", "/v5/execution/list"): RequestKind.MY_TRADES,
}
# A list that is asked for one order is a lookup.
_LISTS = {RequestKind.OPEN_ORDERS, RequestKind.ALL_ORDERS}


async def read(request: web.BaseRequest, at: int) -> Request:
    kind = ROUTES.get((request.method, request.path), RequestKind.UNKNOWN)
    query, body = request.raw_path.partition("?")[2], await request.text()
    pairs = json.loads(body) if body else dict(parse_qsl(query, keep_blank_values=True))
    params = {name: _text(value) for name, value in pairs.items()}
    if kind in _LISTS and _names_an_order(params):
        params["list"] = kind
        kind = RequestKind.FETCH_ORDER
    headers = request.headers
    return Request(
        kind=kind,
        at=at,
        params={
            **params,
            "timestamp": headers.get("X-BAPI-TIMESTAMP", ""),
            "recvWindow": headers.get("X-BAPI-RECV-WINDOW", ""),
            "signature": headers.get("X-BAPI-SIGN", ""),
        },
        client_order_id=params.get("orderLinkId"),
        payload=body or query,
        api_key=headers.get("X-BAPI-API-KEY"),
    )


def _names_an_order(params: Mapping[str, str]) -> bool:
    return "orderId" in params or "orderLinkId" in params


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
