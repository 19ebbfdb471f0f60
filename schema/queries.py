"""The Query type: accounts, orders, holdings, the bot, rules, tokens, markets and prices."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import strawberry

from app.domain.access.tokens import Scope
from app.domain.markets.candles import CandleRequest
from app.domain.orders import order as domain_orders
from app.domain.orders.filters import FillFilter as DomainFillFilter
from app.domain.orders.filters import OrderSort
from schema import ids
from schema.context import Info, needs
from schema.input_bounds import bounded, text
from schema.scalars import Cursor
from schema.types.accounts import Account, visible_accounts
from schema.types.audit import AuditConnection, list_audit
from schema.types.bots import Bot, find_bot, read_bot
from schema.types.fills import FillFilter
from schema.types.markets import MarketConnection, MarketQuery, list_markets
from schema.types.nodes import Node
from schema.types.order_inputs import OrderFilter, OrderReference, PlaceOrderInput, every_order
from schema.types.order_results import OrderConnection, list_name
from schema.types.orders import Fill, FillConnection, FillQuery, Order, list_fills
from schema.types.pages import PageArguments, timed_page
from schema.types.portfolios import Portfolio, read_portfolio
from schema.types.positions import PositionFilter, PositionList, find_position, list_positions
from schema.types.previews import OrderPreview, preview_order
from schema.types.prices import CANDLES, DEPTH, TIMEFRAME, Candle, OrderBook, Ticker
from schema.types.risks import Risk, read_risk
from schema.types.strategies import StrategyInfo, list_strategies
from schema.types.tokens import ApiToken, Viewer
from schema.types.trading_windows import TradingWindow, read_window

_READ = needs(Scope.READ)


@strawberry.type
class Query:
    @strawberry.field(extensions=_READ)
    async def viewer(self, info: Info) -> Viewer:
        return Viewer.of(info.context.viewer)

    @strawberry.field(extensions=_READ)
    async def accounts(self, info: Info) -> list[Account]:
        return visible_accounts(info)

    @strawberry.field(extensions=_READ)
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        kind, key = ids.split(id)
        find = _FINDERS.get(kind)
        return None if find is None else await find(info, key)

    @strawberry.field(extensions=_READ)
    async def order(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        client_order_id: str | None = None,
        account: str | None = None,
    ) -> Order | None:
        found = await find_order(info, OrderReference.of(id, client_order_id, account))
        return None if found is None else Order.of(found)

    @strawberry.field(extensions=_READ)
    async def orders(
        self,
        info: Info,
        filter: OrderFilter | None = None,
        order_by: OrderSort | None = OrderSort.CREATED_AT_DESC,
        first: int | None = None,
        after: Cursor | None = None,
        last: int | None = None,
        before: Cursor | None = None,
    ) -> OrderConnection | None:
        sort = order_by or OrderSort.CREATED_AT_DESC
        asked = PageArguments(first=first, after=after, last=last, before=before)
        request = timed_page(list_name(sort), asked)
        context = info.context
        wanted = every_order(context) if filter is None else filter.to_domain(context)
        async with context.view(info) as view:
            return OrderConnection.of(await view.orders(wanted, sort, request), sort)

    @strawberry.field(extensions=_READ)
    async def fills(
        self,
        info: Info,
        filter: FillFilter | None = None,
        first: int | None = None,
        after: Cursor | None = None,
    ) -> FillConnection | None:
        wanted = DomainFillFilter() if filter is None else filter.to_domain(info)
        asked = PageArguments(first=first, after=after)
        return await list_fills(info, FillQuery(wanted=wanted, asked=asked))

    @strawberry.field(extensions=_READ)
    async def positions(
        self, info: Info, filter: PositionFilter | None = None
    ) -> PositionList | None:
        return await list_positions(info, filter)

    @strawberry.field(extensions=_READ)
    async def portfolio(
        self, info: Info, account: str | None = None, currency: str | None = None
    ) -> Portfolio | None:
        return await read_portfolio(info, account, currency)

    @strawberry.field(extensions=_READ)
    async def preview_order(self, info: Info, input: PlaceOrderInput) -> OrderPreview | None:
        return await preview_order(info, input)

    @strawberry.field(extensions=_READ)
    async def bot(self, info: Info) -> Bot:
        return await read_bot(info)

    @strawberry.field(extensions=_READ)
    async def strategies(self, info: Info) -> list[StrategyInfo]:
        return await list_strategies(info)

    @strawberry.field(extensions=_READ)
    async def trading_window(self, info: Info) -> TradingWindow:
        return await read_window(info)

    @strawberry.field(extensions=_READ)
    async def risk(self, info: Info, account: str | None = None) -> Risk:
        return await read_risk(info, account)

    @strawberry.field(extensions=needs(Scope.ADMIN))
    async def audit_log(
        self, info: Info, first: int | None = None, after: Cursor | None = None
    ) -> AuditConnection | None:
        return await list_audit(info, PageArguments(first=first, after=after))

    @strawberry.field(extensions=needs(Scope.ADMIN))
    async def tokens(self, info: Info) -> list[ApiToken] | None:
        return [ApiToken.of(token) for token in await info.context.services.auth.list()]

    @strawberry.field(extensions=_READ)
    async def markets(
        self,
        info: Info,
        account: str | None = None,
        search: str | None = None,
        first: int | None = None,
        after: Cursor | None = None,
    ) -> MarketConnection | None:
        asked = MarketQuery(account=account, search=search, first=first, after=after)
        return await list_markets(info, asked)

    @strawberry.field(extensions=_READ)
    async def ticker(self, info: Info, symbol: str, account: str | None = None) -> Ticker | None:
        context = info.context
        entry = context.account(account)
        ticker = await context.services.market_data.ticker(entry, symbol)
        return None if ticker is None else Ticker.of(ticker, entry.name)

    @strawberry.field(extensions=_READ)
    async def tickers(
        self, info: Info, symbols: list[str] | None = None, account: str | None = None
    ) -> list[Ticker] | None:
        context = info.context
        bounded(symbols, field=("symbols",))
        entry = context.account(account)
        tickers = await context.services.market_data.tickers(entry, symbols)
        return [Ticker.of(ticker, entry.name) for ticker in tickers]

    @strawberry.field(extensions=_READ)
    async def candles(
        self,
        info: Info,
        symbol: str,
        timeframe: str = TIMEFRAME,
        since: datetime | None = None,
        limit: int | None = CANDLES,
        account: str | None = None,
    ) -> list[Candle] | None:
        context = info.context
        entry = context.account(account)
        limit = CANDLES if limit is None else limit
        asked = CandleRequest(symbol=symbol, timeframe=timeframe, since=since, limit=limit)
        candles = await context.services.market_data.candles(entry, asked)
        return [Candle.of(candle) for candle in candles]

    @strawberry.field(extensions=_READ)
    async def order_book(
        self, info: Info, symbol: str, depth: int | None = DEPTH, account: str | None = None
    ) -> OrderBook | None:
        context = info.context
        entry = context.account(account)
        depth = DEPTH if depth is None else depth
        book = await context.services.market_data.order_book(entry, symbol, depth)
        return OrderBook.of(book, symbol, entry.name)


async def find_order(info: Info, reference: OrderReference) -> domain_orders.Order | None:
    """The order that the reference names, or None if the viewer has no such order."""
    context = info.context
    async with context.view(info) as view:
        if reference.order_id is not None:
            return await view.order(reference.order_id)
        entry = context.account(reference.account)
        client_order_id = text(reference.client_order_id, field=("clientOrderId",))
        return await view.order_by_client_id(entry.name, client_order_id)


async def _find_account(info: Info, name: str) -> Node | None:
    context = info.context
    entry = context.services.accounts.find(name, context.viewer)
    return None if entry is None else Account.named(entry.name, context)


async def _find_order(info: Info, key: str) -> Node | None:
    async with info.context.view(info) as view:
        found = await view.order(key)
    return None if found is None else Order.of(found)


async def _find_fill(info: Info, key: str) -> Node | None:
    async with info.context.view(info) as view:
        found = await view.fill(key)
    return None if found is None else Fill.of(found)


async def _find_token(info: Info, key: str) -> Node | None:
    info.context.require(Scope.ADMIN)
    tokens = await info.context.services.auth.list()
    return next((ApiToken.of(token) for token in tokens if token.id == key), None)


_FINDERS: dict[ids.Kind, Callable[[Info, str], Awaitable[Node | None]]] = {
    ids.Kind.ACCOUNT: _find_account,
    ids.Kind.ORDER: _find_order,
    ids.Kind.FILL: _find_fill,
    ids.Kind.TOKEN: _find_token,
    ids.Kind.POSITION: find_position,
    ids.Kind.BOT: find_bot,
}
