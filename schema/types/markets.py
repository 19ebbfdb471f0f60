"""The Market type, its connection, and the query that lists the markets of an account."""

from dataclasses import dataclass
from decimal import Decimal

import strawberry

from app.domain.markets import markets as domain
from app.domain.order_kinds import PositionType
from app.domain.pages import Page, PageRequest
from schema import ids
from schema.context import Info
from schema.scalars import Cursor
from schema.types.accounts import Account
from schema.types.pages import PageInfo


@strawberry.type
class Market:
    id: strawberry.ID
    symbol: str
    base: str
    quote: str
    type: PositionType
    active: bool
    amount_step: Decimal | None
    price_step: Decimal | None
    min_amount: Decimal | None
    min_notional: Decimal | None
    contract_size: Decimal | None
    maker_fee_percent: Decimal | None
    taker_fee_percent: Decimal | None
    account_name: strawberry.Private[str]

    @classmethod
    def of(cls, market: domain.Market, account: str) -> "Market":
        fees = market.fees
        return cls(
            id=ids.encode_symbol(ids.Kind.MARKET, account, market.symbol),
            symbol=market.symbol,
            base=market.base,
            quote=market.quote,
            type=market.type,
            active=market.active,
            amount_step=market.amount_step,
            price_step=market.price_step,
            min_amount=market.min_amount,
            min_notional=market.min_notional,
            contract_size=market.contract_size,
            maker_fee_percent=None if fees is None else fees.maker_percent,
            taker_fee_percent=None if fees is None else fees.taker_percent,
            account_name=account,
        )

    @strawberry.field
    def account(self, info: Info) -> Account:
        return Account.named(self.account_name, info.context)


@strawberry.type
class MarketEdge:
    node: Market
    cursor: Cursor


@strawberry.type
class MarketConnection:
    edges: list[MarketEdge]
    nodes: list[Market]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[domain.Market], account: str) -> "MarketConnection":
        nodes = [Market.of(market, account) for market in page.items]
        cursors = [ids.encode_place(_list_name(account), (node.symbol, "")) for node in nodes]
        return cls(
            edges=[
                MarketEdge(node=node, cursor=cursor)
                for node, cursor in zip(nodes, cursors, strict=True)
            ],
            nodes=nodes,
            page_info=PageInfo.of(page, cursors),
        )


def _list_name(account: str) -> str:
    return f"markets:{account}"


async def list_markets(info: Info, asked: "MarketQuery") -> MarketConnection:
    context = info.context
    entry = context.account(asked.account)
    after = None
    if asked.after is not None:
        after = ids.decode_place(asked.after, _list_name(entry.name), field="after")
    request = PageRequest.of(asked.first, after=after)
    page = await context.services.market_data.markets(entry, asked.search, request)
    return MarketConnection.of(page, entry.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketQuery:
    """The arguments of the markets query: an account, a search text and a page."""

    account: str | None
    search: str | None
    first: int | None
    after: Cursor | None
