"""The local KuCoin's routes, and how its HTTP requests are read."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.support.venues.serving.requests import Request, RequestKind

_ORDERS = "/api/v1/hf/orders"
_NAMED = f"{_ORDERS}/client-order/"

ROUTES = {
    ("GET", "/api/v1/timestamp"): RequestKind.TIME,
    ("GET", "/api/v2/symbols"): RequestKind.EXCHANGE_INFO,
    ("GET", "/api/v1/market/stats"): RequestKind.TICKER,
    ("GET", "/api/v1/market/allTickers"): RequestKind.TICKER,
    ("GET", "/api/v1/market/orderbook/level2_20"): RequestKind.DEPTH,
    ("GET", "/api/v1/market/orderbook/level2_100"): RequestKind.DEPTH,
    ("GET", "/api/v1/market/candles"): RequestKind.KLINES,
    ("POST", "/api/v1/bullet-public"): RequestKind.STREAM_TOKEN,
    ("POST", "/api/v1/bullet-private"): RequestKind.STREAM_TOKEN,
    ("GET", "/api/v3/margin/symbols"): RequestKind.MARGIN_PAIRS,
    ("GET", "/api/v1/isolated/symbols"): RequestKind.MARGIN_PAIRS,
    ("GET", "/api/v1/hf/accounts/opened"): RequestKind.ACCOUNT_KIND,
    ("GET", "/api/ua/v1/account/mode"): RequestKind.ACCOUNT_KIND,
    ("GET", "/api/v1/accounts"): RequestKind.ACCOUNT,
    ("GET", "/api/v1/user/api-key"): RequestKind.RESTRICTIONS,
    ("POST", _ORDERS): RequestKind.CREATE_ORDER,
    ("GET", f"{_ORDERS}/active"): RequestKind.OPEN_ORDERS,
    ("GET", f"{_ORDERS}/active/symbols"): RequestKind.OPEN_ORDERS,
    ("GET", f"{_ORDERS}/done"): RequestKind.CLOSED_ORDERS,
    ("GET", "/api/v1/hf/fills"): RequestKind.MY_TRADES,
}
_OF_ONE_ORDER = {"GET": RequestKind.FETCH_ORDER, "DELETE": RequestKind.CANCEL_ORDER}
# The headers that sign a request; the desk finds them among its parameters.
_HEADERS = ("SIGN", "TIMESTAMP", "PASSPHRASE", "KEY-VERSION")


async def read(request: web.BaseRequest, at: int) -> Request:
    body = await request.text()
    kind, named = _route(request.method, request.path)
    head = {f"KC-API-{name}": request.headers.get(f"KC-API-{name}", "") for name in _HEADERS}
    params = {**request.rel_url.query, **_params_in(body), **named, **head}
    return Request(
        kind=kind,
        at=at,
        params=params | {"path": request.path},
        client_order_id=params.get("clientOid"),
        # What is signed, after the timestamp.
        payload=f"{request.method}{request.raw_path}{body}",
        api_key=request.headers.get("KC-API-KEY"),
    )


def _route(method: str, path: str) -> tuple[RequestKind, Mapping[str, str]]:
    """What is asked for, and the order that the path itself names."""
    known = ROUTES.get((method, path))
    if known is not None:
        return known, {}
    kind = _OF_ONE_ORDER.get(method, RequestKind.UNKNOWN)
    if path.startswith(_NAMED):
        return kind, {"clientOid": path.removeprefix(_NAMED)}
    if path.startswith(f"{_ORDERS}/"):
        return kind, {"orderId": path.removeprefix(f"{_ORDERS}/")}
    return RequestKind.UNKNOWN, {}


def _params_in(body: str) -> Mapping[str, str]:
    fields: Mapping[str, Any] = json.loads(body) if body else {}
    return {name: _text(value) for name, value in fields.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
