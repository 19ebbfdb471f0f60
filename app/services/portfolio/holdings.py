"""What accounts hold and what it costs, as the exchanges answered."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

from app.bus import Bus, Topic
from app.domain.orders.events import LogPosition
from app.domain.portfolio.positions import Position
from app.domain.portfolio.valuations import home_currency
from app.errors import ExchangeError, ExchangeUnavailable
from app.ports import Clock
from app.primitives.priorities import Priority, asking_at
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService
from app.services.markets.price_lookup import fetch_prices
from app.services.portfolio.valuation import (
    AccountHoldings,
    ValuationRequest,
    Valuer,
    holdings_question,
    prices_question,
)
from app.services.reads import Answers, View
from app.storage.database import Database

# Nothing announces a deposit, and a request for balances weighs heavily in a rate limit.
BALANCES_SECONDS = 10.0
# How long nobody else asks an exchange that did not answer.
FAILURE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What the exchanges answered, and of which moments of the log it is."""

    answers: Answers
    moments: frozenset[LogPosition]

    async def is_seen_by(self, view: View) -> bool:
        """Whether the view shows the same moment."""
        return not self.moments or self.moments == {await view.as_of()}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stock:
    """An account's positions by its fills, at one moment of the log."""

    positions: Sequence[Position]
    as_of: LogPosition


@dataclass(frozen=True, kw_only=True, slots=True)
class _Failure:
    error: ExchangeError


@dataclass(slots=True)
class _Known:
    """What is known of one account; one caller at a time asks for more."""

    lock: asyncio.Lock
    stock: _Stock | None = None
    outcome: AccountHoldings | _Failure | None = None
    # When the outcome was asked for or came to nothing, in elapsed time.
    since: float = 0.0


class HoldingsCache:
    """Asks for balances, positions and prices once for all who need them at the same time.

    Balances are good for a while, but only until an order changes.
    """

    def __init__(
        self, database: Database, bus: Bus, market_data: MarketDataService, valuer: Valuer,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._database = database
        self._market_data = market_data
        self._valuer = valuer
        self._clock = clock
        self._changes = bus.listen(Topic.FEED)
        # How often something changed: what was read before a change is not kept after it.
        self._changed = 0
        self._known: defaultdict[str, _Known] = defaultdict(lambda: _Known(asyncio.Lock()))

    async def gather(self, requests: Collection[ValuationRequest]) -> Gathered:
        """Ask the exchanges side by side, so that a slow one delays no other for long."""
        accounts = {request.account.name: request.account for request in requests}
        found = await asyncio.gather(
            *(
                self._of(account, {r.currency for r in requests if r.account is account})
                for account in accounts.values()
            )
        )
        return Gathered(
            answers=Answers(
                {key: answer for answers, _ in found for key, answer in answers.items()}
            ),
            moments=frozenset(moment for _, moment in found),
        )

    def forget(self) -> None:
        """Read the positions anew next time: another process may have changed them."""
        self._changed += 1
        for known in self._known.values():
            known.stock = None

    async def _of(
        self, account: AccountEntry, currencies: set[str | None]
    ) -> tuple[dict[Hashable, object], LogPosition]:
        known = self._known[account.name]
        async with known.lock:
            stock = await self._stock(account.name, known)
            holdings = await self._holdings(account, stock, known)
        symbols = self._symbols(account.name, stock, holdings, currencies)
        with asking_at(Priority.LOOKUP):
            prices = await fetch_prices(self._market_data, account, symbols)
        answers: dict[Hashable, object] = {
            holdings_question(account.name): holdings,
            prices_question(account.name): prices,
        }
        return answers, stock.as_of

    async def _stock(self, account: str, known: _Known) -> _Stock:
        if self._changes.is_rung:
            self._changes.hush()
            self.forget()
        if known.stock is not None:
            return known.stock
        changed = self._changed
        async with self._database.snapshot() as view:
            as_of = (await view.events.state()).head
            positions = await view.positions.all(frozenset({account}))
        stock = _Stock(positions=positions, as_of=as_of)
        if changed == self._changed:
            known.stock = stock
        return stock

    async def _holdings(
        self, account: AccountEntry, stock: _Stock, known: _Known
    ) -> AccountHoldings | ExchangeError:
        last = known.outcome
        if isinstance(last, _Failure) and known.since > self._clock.elapsed() - FAILURE_SECONDS:
            return last.error
        try:
            if isinstance(last, AccountHoldings) and await self._is_good(known, account, stock):
                return last
            asked_at = self._clock.elapsed()
            known.outcome, known.since = await self._ask(account, stock.as_of), asked_at
        except ExchangeError as error:
            known.outcome, known.since = _Failure(error=error), self._clock.elapsed()
            return error
        return known.outcome

    async def _is_good(self, known: _Known, account: AccountEntry, stock: _Stock) -> bool:
        return (
            isinstance(known.outcome, AccountHoldings)
            and known.outcome.as_of == stock.as_of
            and known.since > self._clock.elapsed() - BALANCES_SECONDS
            and known.outcome.markets is await account.gateway.markets()
        )

    async def _ask(self, account: AccountEntry, as_of: LogPosition) -> AccountHoldings:
        try:
            async with self._clock.timeout(account.answer_seconds):
                markets, balances, exposures = await asyncio.gather(
                    account.gateway.markets(), account.gateway.balances(), account.exposures()
                )
        except TimeoutError:
            raise ExchangeUnavailable("the exchange did not say what is held in time") from None
        home = home_currency(markets.values())
        if home is None:
            raise ExchangeUnavailable("the exchange lists no market to value anything by")
        return AccountHoldings(
            markets=markets,
            balances=balances,
            exposures=exposures,
            home=home,
            as_of=as_of,
        )

    def _symbols(
        self,
        account: str,
        stock: _Stock,
        holdings: AccountHoldings | ExchangeError,
        currencies: set[str | None],
    ) -> set[str]:
        """The markets whose prices are needed; without balances those of the open positions."""
        if isinstance(holdings, ExchangeError):
            return {held.key.symbol for held in stock.positions if held.holding.amount}
        return {
            symbol
            for currency in currencies
            for symbol in self._valuer.symbols(account, holdings, stock.positions, currency)
        }
