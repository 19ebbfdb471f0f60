"""The local Gate's routes, and how its HTTP requests are read."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.support.venues.serving.requests import Request, RequestKind

_ROOT = "/api/v4"
_ORDERS = f"{_ROOT}/spot/orders"
_ONE_ORDER = "order_id"
ROUTES = {
    ("GET", "/spot/time"): RequestKind.TIME,
    ("GET", "/spot/currency_pairs"): RequestKind.EXCHANGE_INFO,
    ("GET", "/margin/currency_pairs"): RequestKind.MARGIN_PAIRS,
    ("GET", "/spot/tickers"): RequestKind.TICKER,
    ("GET", "/spot/order_book"): RequestKind.DEPTH,
    ("GET", "/spot/candlesticks"): RequestKind.KLINES,
    ("GET", "/spot/accounts"): RequestKind.ACCOUNT,
    ("GET", "/unified/accounts"): RequestKind.ACCOUNT,
    ("GET", "/account/detail"): RequestKind.ACCOUNT_KIND,
    ("POST", "/spot/orders"): RequestKind.CREATE_ORDER,
    ("GET", "/spot/orders"): RequestKind.CLOSED_ORDERS,
    ("GET", "/spot/open_orders"): RequestKind.OPEN_ORDERS,
    ("GET", "/spot/my_trades"): RequestKind.MY_TRADES,
}
_OF_ONE_ORDER = {
    "GET": RequestKind.FETCH_ORDER,
    "DELETE": RequestKind.CANCEL_ORDER,
    "PATCH": RequestKind.AMEND_ORDER,
}
# The parts of the signature; the desk finds them among the parameters.
_HEADERS = {"GATE-TIMESTAMP": "Timestamp", "GATE-SIGN": "SIGN"}


async def read(request: web.BaseRequest, at: int) -> Request:
    body = await request.text()
    named, kind = _named(request), _kind(request)
    params = {**request.rel_url.query, **_params_in(body), **named}
    hashed = hashlib.sha512(body.encode()).hexdigest()
    url = request.rel_url
    signed = {name: request.headers.get(header, "") for name, header in _HEADERS.items()}
    return Request(
        kind=kind,
        at=at,
        params={**params, **signed, "path": request.path.removeprefix(_ROOT)},
        client_order_id=wire_name(params.get("text")),
        # What is signed, before the timestamp.
        payload=f"{request.method}\n{url.path}\n{url.query_string}\n{hashed}",
        api_key=request.headers.get("KEY"),
    )


def wire_name(text: str | None) -> str | None:
    """A client order id, without the mark that each has to begin with."""
    return text.removeprefix("t-") if text else None


def _kind(request: web.BaseRequest) -> RequestKind:
    if _named(request):
        return _OF_ONE_ORDER.get(request.method, RequestKind.UNKNOWN)
    path = request.path.removeprefix(_ROOT)
    return ROUTES.get((request.method, path), RequestKind.UNKNOWN)


def _named(request: web.BaseRequest) -> Mapping[str, str]:
    """The order that the path names."""
    name = request.path.removeprefix(f"{_ORDERS}/")
    return {} if name == request.path else {_ONE_ORDER: name}


def _params_in(body: str) -> Mapping[str, str]:
    page: Any = json.loads(body) if body else {}
    return {name: str(value) for name, value in page.items()}
