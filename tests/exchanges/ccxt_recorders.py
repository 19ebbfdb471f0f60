"""The genuine classes of ccxt with a recorder where they would open a connection."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

_IDS = {"kraken": "XBTUSDT", "okx": "BTC-USDT"}

_ORDER_TYPES = [
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request as it would have left."""

    method: str
    path: str
    fields: Mapping[str, Any]


class Recorder:
    """Stands in for a client's `fetch`: keeps what is asked, and gives the answer prepared."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.sent: list[Sent] = []
        self._answers = answers

    async def fetch(
        self, url: str, method: str = "GET", headers: Any = None, body: Any = None
    ) -> Any:
        parts = urlsplit(url)
        sent = dict(parse_qsl(parts.query)) | _fields(body)
        self.sent.append(Sent(method=method, path=parts.path, fields=sent))
        return self._answers.get(parts.path, self._answers.get("*"))


def _fields(body: Any) -> dict[str, Any]:
    if not body:
        return {}
    if body[0] not in "[{":
        return dict(parse_qsl(body))
    found = orjson.loads(body)
    return dict(found[0] if isinstance(found, list) else found)


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
    """A client that knows one market and whose every request ends at the recorder."""
    client = getattr(import_module("ccxt.pro"), exchange)(
        {
            "apiKey": "key",
            "secret": "c2VjcmV0",
            "password": "pass",
            "number": str,
            "enableRateLimit": False,
            "timeout_on_exit": 0,
            "options": {"defaultType": "spot"},
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
