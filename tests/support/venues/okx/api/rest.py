"""The local OKX's routes, and how its HTTP requests are read."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.support.venues.serving.requests import Request, RequestKind

ROUTES = {
    ("GET", "/api/v5/public/time"): RequestKind.TIME,
    ("GET", "/api/v5/public/instruments"): RequestKind.EXCHANGE_INFO,
    ("GET", "/api/v5/market/ticker"): RequestKind.TICKER,
    ("GET", "/api/v5/market/tickers"): RequestKind.TICKER,
    ("GET", "/api/v5/market/books"): RequestKind.DEPTH,
    ("GET", "/api/v5/market/candles"): RequestKind.KLINES,
    ("GET", "/api/v5/market/history-candles"): RequestKind.KLINES,
    ("GET", "/api/v5/account/balance"): RequestKind.ACCOUNT,
    ("GET", "/api/v5/account/config"): RequestKind.RESTRICTIONS,
    ("POST", "/api/v5/trade/order"): RequestKind.CREATE_ORDER,
    ("POST", "/api/v5/trade/batch-orders"): RequestKind.CREATE_ORDER,
    ("POST", "/api/v5/trade/cancel-order"): RequestKind.CANCEL_ORDER,
    ("POST", "/api/v5/trade/amend-order"): RequestKind.AMEND_ORDER,
    ("GET", "/api/v5/trade/order"): RequestKind.FETCH_ORDER,
    ("GET", "/api/v5/trade/orders-pending"): RequestKind.OPEN_ORDERS,
    ("GET", "/api/v5/trade/orders-history"): RequestKind.CLOSED_ORDERS,
    ("GET", "/api/v5/trade/fills"): RequestKind.MY_TRADES,
    ("GET", "/api/v5/trade/fills-history"): RequestKind.MY_TRADES,
}


# The headers that sign a request; the desk finds them among its parameters.
_HEADERS = ("TIMESTAMP", "SIGN", "PASSPHRASE")


async def read(request: web.BaseRequest, at: int) -> Request:
    body = await request.text()
    params = {**request.rel_url.query, **_params_in(body)}
    head = request.headers
    return Request(
        kind=ROUTES.get((request.method, request.path), RequestKind.UNKNOWN),
        at=at,
        params=params | {"OK-" + name: head.get(f"OK-ACCESS-{name}", "") for name in _HEADERS},
        client_order_id=params.get("clOrdId"),
        # What is signed, after the timestamp.
        payload=f"{request.method}{request.raw_path}{body}",
        api_key=head.get("OK-ACCESS-KEY"),
    )


def _params_in(body: str) -> Mapping[str, str]:
    """The fields of a JSON body; of orders in a list there is one."""
    if not body:
        return {}
    page: Any = json.loads(body)
    fields = page[0] if isinstance(page, list) else page
    return {name: _text(value) for name, value in fields.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
