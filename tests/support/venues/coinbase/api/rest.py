"""The local Coinbase's routes, and how its HTTP requests are read."""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from tests.support.venues.coinbase.api.signatures import key_in
from tests.support.venues.serving.requests import Request, RequestKind

# Under which names a request keeps its token, and what the token must name.
TOKEN, URI = " token", " uri"
# The id in the path.
PATH_ID = " id"
_ROOT = "/api/v3/brokerage"
_BEARER = "Bearer "
_ROUTES = {
    ("GET", "/time"): RequestKind.TIME,
    ("GET", "/market/products"): RequestKind.EXCHANGE_INFO,
    ("GET", "/market/products/*/ticker"): RequestKind.TICKER,
    ("GET", "/market/products/*/candles"): RequestKind.KLINES,
    ("GET", "/market/product_book"): RequestKind.DEPTH,
    ("GET", "/transaction_summary"): RequestKind.ACCOUNT_KIND,
    ("GET", "/key_permissions"): RequestKind.RESTRICTIONS,
    ("GET", "/accounts"): RequestKind.ACCOUNT,
    ("POST", "/orders"): RequestKind.CREATE_ORDER,
    ("POST", "/orders/batch_cancel"): RequestKind.CANCEL_ORDER,
    ("GET", "/orders/historical/batch"): RequestKind.ALL_ORDERS,
    ("GET", "/orders/historical/fills"): RequestKind.MY_TRADES,
    ("GET", "/orders/historical/*"): RequestKind.FETCH_ORDER,
}


async def read(request: web.BaseRequest, at: int) -> Request:
    path, body = request.path.removeprefix(_ROOT), await request.text()
    kind, name = _route(request.method, path)
    params = _params(request.rel_url.raw_query_string)
    token = request.headers.get("Authorization", "").removeprefix(_BEARER)
    own = {TOKEN: token, URI: f"{request.method} {request.scheme}://{request.host}{request.path}"}
    return Request(
        kind=_finer(kind, params),
        at=at,
        params={**params, **own, PATH_ID: name},
        client_order_id=json.loads(body).get("client_order_id") if body else None,
        payload=body,
        api_key=key_in(token) if token else None,
    )


def _route(method: str, path: str) -> tuple[RequestKind, str]:
    known = _ROUTES.get((method, path))
    if known is not None:
        return known, ""
    steps = path.split("/")
    for number, step in enumerate(steps):
        pattern = "/".join([*steps[:number], "*", *steps[number + 1 :]])
        if (method, pattern) in _ROUTES:
            return _ROUTES[method, pattern], step
    return RequestKind.UNKNOWN, ""


def _finer(kind: RequestKind, params: Mapping[str, str]) -> RequestKind:
    """What is asked of a route that answers several questions."""
    if kind is RequestKind.EXCHANGE_INFO and params:
        is_future = params.get("product_type") == "FUTURE"
        return RequestKind.OTHER_MARKETS if is_future else RequestKind.TICKER
    if kind is not RequestKind.ALL_ORDERS:
        return kind
    if params.get("order_status") == "OPEN":
        return RequestKind.OPEN_ORDERS
    # A list of a whole market, of any time, is one in which an order is looked for.
    return kind if "start_date" in params else RequestKind.FETCH_ORDER


def _params(query: str) -> dict[str, str]:
    """The query's fields; one that comes several times is a list."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return {name: ",".join(values) for name, values in found.items()}
