"""Real ccxt classes whose requests are recorded instead of sent, for each exchange."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from app.exchanges.ccxt.connection.calls import Call
from app.exchanges.ccxt.rows.table import quirks_of

_IDS = {
    "coinbase": "BTC-USDT",
    "gate": "BTC_USDT",
    "kraken": "XBTUSDT",
    "kucoin": "BTC-USDT",
    "okx": "BTC-USDT",
}

ANSWERS: dict[str, dict[str, Any]] = {
    "binance": {"*": {"symbol": "BTCUSDT", "orderId": 28, "status": "NEW"}},
    "bybit": {
        "/v5/user/query-api": {"retCode": 0, "result": {"unified": 0, "uta": 1}},
        "/v5/account/info": {"retCode": 0, "result": {"unifiedMarginStatus": 4}},
        "*": {"retCode": 0, "result": {"orderId": "28", "list": []}},
    },
    "gate": {
        "/api/v4/account/detail": {"key": {"mode": 1}},
        "*": {"id": "28", "text": "t-w", "status": "open", "currency_pair": "BTC_USDT"},
    },
    "coinbase": {
        "/api/v3/brokerage/orders": {"success": True, "success_response": {"order_id": "28"}},
        "/api/v3/brokerage/orders/batch_cancel": {"results": [{"success": True}]},
        "*": {"orders": [], "fills": [], "order": {"order_id": "28"}},
    },
    "kucoin": {"*": {"code": "200000", "data": {"orderId": "28"}}},
    "okx": {"*": {"code": "0", "data": [{"ordId": "28", "sCode": "0", "state": "live"}]}},
    "kraken": {
        "/0/private/QueryOrders": {"error": [], "result": {"28": {"status": "open", "descr": {}}}},
        "*": {"error": [], "result": {"txid": ["28"], "descr": {}, "open": {}, "closed": {}}},
    },
}
_ORDER_TYPES = [
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request that ccxt would have sent."""

    method: str
    path: str
    fields: Mapping[str, Any]


class Recorder:
    """Replaces a ccxt client's `fetch`: records each request and returns a prepared answer.

    An answer may be a function of the request.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.sent: list[Sent] = []
        self._answers = answers

    async def fetch(
        self, url: str, method: str = "GET", headers: Any = None, body: Any = None
    ) -> Any:
        parts = urlsplit(url)
        fields = dict(parse_qsl(parts.query)) | _fields(body)
        sent = Sent(method=method, path=parts.path, fields=fields)
        self.sent.append(sent)
        answer = self._answers.get(parts.path, self._answers.get("*"))
        return answer(sent) if callable(answer) else answer


def _fields(body: Any) -> dict[str, Any]:
    if not body:
        return {}
    if body[0] not in "[{":
        return dict(parse_qsl(body))
    fields = orjson.loads(body)
    return dict(fields[0] if isinstance(fields, list) else fields)


def a_market(client: Any) -> Any:
    return client.safe_market_structure(
        {
            "id": _IDS.get(client.id, "BTCUSDT"),
            "symbol": "BTC/USDT",
            "base": "BTC",
            "quote": "USDT",
            "baseId": "BTC",
            "quoteId": "USDT",
            "type": "spot",
            "spot": True,
            "swap": False,
            "future": False,
            "option": False,
            "contract": False,
            "margin": False,
            "active": True,
            "precision": {"amount": "0.00001", "price": "0.01"},
            "limits": {"amount": {"min": "0.00001"}, "cost": {"min": "5"}},
            "info": {"orderTypes": _ORDER_TYPES},
        }
    )


@asynccontextmanager
async def recorded(
    exchange: str, answers: Mapping[str, Any], **config: Any
) -> AsyncIterator[tuple[Any, Recorder]]:
    """A ccxt client that knows one market and sends every request to the recorder."""
    client = getattr(import_module("ccxt.pro"), exchange)(
        {
            "apiKey": "key",
            "secret": "c2VjcmV0",
            "password": "pass",
            "number": str,
            "enableRateLimit": False,
            "timeout_on_exit": 0,
            "options": {"defaultType": "spot", **quirks_of(exchange).options},
            **config,
        }
    )
    recorder = Recorder(answers)
    client.fetch = recorder.fetch
    client.set_markets([a_market(client)])
    try:
        yield client, recorder
    finally:
        await client.close()


async def sent_for(exchange: str, *calls: Call) -> list[Sent]:
    """The requests that ccxt sends for these calls, without those about the account's type."""
    async with recorded(exchange, ANSWERS[exchange]) as (client, recorder):
        for call in calls:
            await getattr(client, call.method)(*call.arguments)
        asides = {"/v5/user/query-api", "/v5/account/info", "/api/v4/account/detail"}
        return [request for request in recorder.sent if request.path not in asides]
