"""The protocols PriceSource, MarketView and PendingPrices, which the Bookkeeper trades against."""

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

MATCHED_PER_TRANSACTION = 100


class PublicMarketData(MarketSource, Protocol):
    """Public market data of any exchange. Raises ExchangeUnavailable if it has none just now."""

    async def run(self) -> None: ...


class MarketView(Protocol):
    """One market, as a new order meets it."""

    @property
    def rules(self) -> MarketRules: ...

    def quote(self, at: datetime) -> Quote:
        """The prices to check against. Raises ExchangeUnavailable if they are not of that time."""
        ...

    def levels_against(self, side: OrderSide, at: datetime) -> Iterable[BookLevel]:
        """The levels that an order of this side can take, best first."""
        ...


class PendingPrices(Protocol):
    """Prices that the open orders have not been matched against yet."""

    async def apply_to(self, ledger: LedgerTransaction, known: RestingOrders | None) -> None: ...


class PriceSource(PublicMarketData, Protocol):
    """Public market data, and what the Bookkeeper needs besides."""

    @property
    def rates(self) -> FeeRates: ...

    @property
    def opening_balances(self) -> Mapping[str, Decimal]: ...

    @property
    def missed(self) -> PendingPrices | None:
        """The prices to apply before every transaction; None if missed prices are not replayed."""
        ...

    async def market_view(self, symbol: str) -> MarketView:
        """Raises ExchangeRejected if the symbol is not traded, ExchangeUnavailable if unpriced."""
        ...

    async def pending_prices(self, resting: RestingOrders) -> Iterator[PendingPrices]:
        """Batches until every price is applied, each for a transaction of its own."""
        ...

    def pause_seconds(self) -> float:
        """How long until there are new prices."""
        ...
