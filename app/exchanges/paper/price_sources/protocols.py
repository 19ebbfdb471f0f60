"""Where a paper account trades: on a market of its own making, or at a real exchange's prices."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from app.domain.markets.markets import FeeRates
from app.domain.markets.order_books import BookLevel
from app.domain.order_kinds import OrderSide
from app.exchanges.paper.account.ledger_transaction import LedgerTransaction
from app.exchanges.paper.account.resting_orders import RestingOrders
from app.exchanges.paper.prices.listings import MarketRules
from app.exchanges.paper.prices.price_path import Quote
from app.ports import MarketSource

MET_PER_TRANSACTION = 100


class PublicMarketData(MarketSource, Protocol):
    """Public market data, which any exchange has; ExchangeUnavailable where it has none now."""

    async def run(self) -> None: ...


class MarketView(Protocol):
    """One market, for an order that arrives there."""

    @property
    def rules(self) -> MarketRules: ...

    def quote(self, at: datetime) -> Quote:
        """The prices by which it is judged; ExchangeUnavailable where they are not of that time."""
        ...

    def levels_against(self, side: OrderSide, at: datetime) -> Iterable[BookLevel]:
        """What an order of this side can take, best first."""
        ...


class PendingPrices(Protocol):
    """Orders that wait, and prices that they have not met yet."""

    async def hold(self, ledger: LedgerTransaction, known: RestingOrders | None) -> None: ...


class PriceSource(PublicMarketData, Protocol):
    """Public market data, and what the books need of it."""

    @property
    def rates(self) -> FeeRates: ...

    @property
    def opening_balances(self) -> Mapping[str, Decimal]: ...

    @property
    def missed(self) -> PendingPrices | None:
        """What comes before every look at the books; None where what is over is not made up for."""
        ...

    async def market_view(self, symbol: str) -> MarketView:
        """ExchangeRejected where the symbol is not traded, ExchangeUnavailable without a price."""
        ...

    async def meetings(self, waiting: RestingOrders) -> Iterator[PendingPrices]:
        """As many as it takes until every price was met, each in a transaction of its own."""
        ...

    def pause_seconds(self) -> float:
        """How long until there are new prices to look at."""
        ...
