"""Types of market data: tickers, candles and order books."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import strawberry

from app.domain.markets import candles, order_books
from app.domain.markets import markets as domain
from schema import ids
from schema.context import Info
from schema.types.accounts import Account

# Defaults of arguments.
TIMEFRAME = "1m"
CANDLES = 200
DEPTH = 20


@strawberry.type
class Ticker:
    id: strawberry.ID
    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    percentage: Decimal | None
    quote_volume: Decimal | None
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    volume: Decimal | None
    at: datetime
    stale: bool
    account_name: strawberry.Private[str]

    @classmethod
    def of(cls, ticker: domain.Ticker, account: str) -> "Ticker":
        return cls(
            id=ids.encode_symbol(ids.Kind.TICKER, account, ticker.symbol),
            symbol=ticker.symbol,
            bid=ticker.bid,
            ask=ticker.ask,
            last=ticker.last,
            percentage=ticker.percentage,
            quote_volume=ticker.quote_volume,
            open=ticker.open,
            high=ticker.high,
            low=ticker.low,
            volume=ticker.volume,
            at=ticker.at,
            stale=ticker.is_stale,
            account_name=account,
        )

    @strawberry.field
    def account(self, info: Info) -> Account:
        return Account.named(self.account_name, info.context)


@strawberry.type
class Candle:
    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    is_closed: bool

    @classmethod
    def of(cls, candle: candles.Candle) -> "Candle":
        return cls(
            at=candle.at,
            open=candle.open,
            high=candle.high,
            low=candle.low,
            close=candle.close,
            volume=candle.volume,
            is_closed=candle.is_closed,
        )


@strawberry.type
class BookLevel:
    price: Decimal
    amount: Decimal

    @classmethod
    def of(cls, levels: Sequence[order_books.BookLevel]) -> "list[BookLevel]":
        return [cls(price=level.price, amount=level.amount) for level in levels]


@strawberry.type
class OrderBook:
    id: strawberry.ID
    symbol: str
    bids: list[BookLevel]
    asks: list[BookLevel]
    at: datetime
    account_name: strawberry.Private[str]

    @classmethod
    def of(cls, book: order_books.OrderBook, symbol: str, account: str) -> "OrderBook":
        return cls(
            id=ids.encode_symbol(ids.Kind.BOOK, account, symbol),
            symbol=symbol,
            bids=BookLevel.of(book.bids),
            asks=BookLevel.of(book.asks),
            at=book.at,
            account_name=account,
        )

    @strawberry.field
    def account(self, info: Info) -> Account:
        return Account.named(self.account_name, info.context)
