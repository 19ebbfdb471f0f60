"""The Subscription type: updates of orders, positions, portfolios, the bot, rules and prices."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TypeVar

import strawberry

from app.domain.access.tokens import Scope
from app.domain.orders.filters import OrderFilter as DomainOrderFilter
from app.services.portfolio.positions import PositionFilter as AnyPosition
from schema.context import Context, Info
from schema.input_bounds import bounded
from schema.scalars import Cursor
from schema.types.bots import Bot, BotDecision, watch_bot, watch_decisions
from schema.types.order_inputs import OrderFilter, every_order
from schema.types.orders import OrderUpdate
from schema.types.portfolios import Portfolio, watch_portfolio
from schema.types.positions import PositionFilter, PositionList
from schema.types.prices import DEPTH, TIMEFRAME, Candle, OrderBook, Ticker
from schema.types.risks import Risk, watch_risk
from schema.types.trading_windows import TradingWindow, watch_window

T = TypeVar("T")
Shown = TypeVar("Shown")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def order_updates(
        self, info: Info, filter: OrderFilter | None = None, after: Cursor | None = None
    ) -> AsyncIterator[OrderUpdate]:
        context = info.context
        context.require(Scope.READ)
        wanted = every_order(context) if filter is None else filter.to_domain(context)
        log = context.services.log
        if after is not None:
            # An unusable cursor is refused here, before the first update, and ends the operation.
            return _updates(context, await log.resume(after), wanted)
        # Start at the head seen when the message arrived, so later requests on this socket count.
        head = log.head if context.log_head is None else context.log_head
        return _updates(context, head, wanted)

    @strawberry.subscription
    async def position_updates(
        self, info: Info, filter: PositionFilter | None = None
    ) -> AsyncIterator[PositionList]:
        context = info.context
        context.require(Scope.READ)
        wanted = AnyPosition() if filter is None else filter.to_domain(info)
        lists = await context.services.position_feed.follow(context.accounts, wanted)
        return _each(context, lists, PositionList.of)

    @strawberry.subscription
    async def portfolio_updates(
        self, info: Info, account: str | None = None, currency: str | None = None
    ) -> AsyncIterator[Portfolio]:
        info.context.require(Scope.READ)
        return await watch_portfolio(info, account, currency)

    @strawberry.subscription
    async def bot_updates(self, info: Info) -> AsyncIterator[Bot]:
        info.context.require(Scope.READ)
        return await watch_bot(info)

    @strawberry.subscription
    async def bot_decisions(self, info: Info) -> AsyncIterator[BotDecision]:
        info.context.require(Scope.READ)
        return await watch_decisions(info)

    @strawberry.subscription
    async def trading_window_updates(self, info: Info) -> AsyncIterator[TradingWindow]:
        info.context.require(Scope.READ)
        return await watch_window(info)

    @strawberry.subscription
    async def risk_updates(self, info: Info, account: str | None = None) -> AsyncIterator[Risk]:
        info.context.require(Scope.READ)
        return await watch_risk(info, account)

    @strawberry.subscription
    async def ticker_updates(
        self, info: Info, symbols: list[str], account: str | None = None
    ) -> AsyncIterator[Ticker]:
        context = info.context
        context.require(Scope.READ)
        bounded(symbols, field=("symbols",))
        entry = context.account(account)
        tickers = await context.services.market_data.ticker_updates(entry, symbols)
        return _each(context, tickers, lambda ticker: Ticker.of(ticker, entry.name))

    @strawberry.subscription
    async def candle_updates(
        self, info: Info, symbol: str, timeframe: str = TIMEFRAME, account: str | None = None
    ) -> AsyncIterator[Candle]:
        context = info.context
        context.require(Scope.READ)
        entry = context.account(account)
        candles = await context.services.market_data.candle_updates(entry, symbol, timeframe)
        return _each(context, candles, Candle.of)

    @strawberry.subscription
    async def order_book_updates(
        self, info: Info, symbol: str, depth: int | None = DEPTH, account: str | None = None
    ) -> AsyncIterator[OrderBook]:
        context = info.context
        context.require(Scope.READ)
        entry = context.account(account)
        depth = DEPTH if depth is None else depth
        books = await context.services.market_data.order_book_updates(entry, symbol, depth)
        return _each(context, books, lambda book: OrderBook.of(book, symbol, entry.name))


async def _updates(
    context: Context, position: int, wanted: DomainOrderFilter
) -> AsyncGenerator[OrderUpdate, None]:
    async for logged in context.services.log.follow(position, wanted):
        await context.services.pacer.turn()
        yield OrderUpdate.of(logged)


async def _each(
    context: Context, values: AsyncGenerator[T, None], to_graphql: Callable[[T], Shown]
) -> AsyncGenerator[Shown, None]:
    async with aclosing(values):
        async for value in values:
            await context.services.pacer.turn()
            yield to_graphql(value)
