"""Requests to a local exchange, and the journal in which tests count them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RequestKind(StrEnum):
    EXCHANGE_INFO = "EXCHANGE_INFO"
    TIME = "TIME"
    PING = "PING"
    TICKER = "TICKER"
    BOOK_TICKER = "BOOK_TICKER"
    LAST_PRICE = "LAST_PRICE"
    KLINES = "KLINES"
    DEPTH = "DEPTH"
    ACCOUNT = "ACCOUNT"
    ACCOUNT_KIND = "ACCOUNT_KIND"
    CREATE_ORDER = "CREATE_ORDER"
    AMEND_ORDER = "AMEND_ORDER"
    CANCEL_ORDER = "CANCEL_ORDER"
    CANCEL_ALL = "CANCEL_ALL"
    FETCH_ORDER = "FETCH_ORDER"
    OPEN_ORDERS = "OPEN_ORDERS"
    ALL_ORDERS = "ALL_ORDERS"
    CLOSED_ORDERS = "CLOSED_ORDERS"
    MY_TRADES = "MY_TRADES"
    # Trades by their own ids.
    TRADES_BY_ID = "TRADES_BY_ID"
    STREAM_TOKEN = "STREAM_TOKEN"
    RESTRICTIONS = "RESTRICTIONS"
    CURRENCIES = "CURRENCIES"
    MARGIN_PAIRS = "MARGIN_PAIRS"
    OTHER_MARKETS = "OTHER_MARKETS"
    LOGIN = "LOGIN"
    SUBSCRIBE = "SUBSCRIBE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, over HTTP or a WebSocket."""

    kind: RequestKind
    at: int
    params: Mapping[str, str] = field(default_factory=dict)
    payload: str = ""
    api_key: str | None = None
    # Of the order that is placed, canceled or looked up.
    client_order_id: str | None = None


class Journal:
    def __init__(self) -> None:
        self._entries: list[Request] = []
        self._arrival = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    def write(self, request: Request) -> None:
        self._entries.append(request)
        self._arrival.set()
        self._arrival = asyncio.Event()

    async def until(self, kind: RequestKind, times: int = 1) -> None:
        """Wait until this many requests of a kind have arrived."""
        while self.count(kind) < times:
            await self._arrival.wait()

    def of(self, kind: RequestKind) -> list[Request]:
        return [entry for entry in self._entries if entry.kind is kind]

    def count(self, kind: RequestKind) -> int:
        return len(self.of(kind))

    def sent_orders(self) -> list[str]:
        """The client order ids of all requests to place orders, repeats included."""
        return [entry.client_order_id or "" for entry in self.of(RequestKind.CREATE_ORDER)]

    def assert_nothing_was_sent_twice(self) -> None:
        sent = self.sent_orders()
        twice = sorted({name for name in sent if sent.count(name) > 1})
        assert not twice, f"sent more than once: {twice}"
