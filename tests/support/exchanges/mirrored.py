"""Paper accounts at the prices of others: set by hand, simulated, or of the local Binance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.domain.accounts import AccountMode
from app.exchanges.ccxt.connection.clients import CcxtTerms
from app.exchanges.ccxt.connection.sessions import MarketCache
from app.exchanges.ccxt.exchange import CcxtExchange
from app.exchanges.paper.account.ledger import LedgerStore
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.price_sources.mirrored import MirroredSource
from app.exchanges.paper.price_sources.simulated import SimulatedSource
from app.exchanges.paper.prices.simulated_markets import PaperTerms
from app.ports import Clock
from tests.support.binance.running import running_venue
from tests.support.binance.venue import Venue
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryBooks
from tests.support.exchanges.price_only import HandPrices
from tests.support.exchanges.rigs import TERMS, PaperRig


def followed_floor(terms: PaperTerms, clock: Clock) -> MirroredSource:
    """The simulated prices, with nothing known of them but what is asked for."""
    return MirroredSource(SimulatedSource(terms, clock), terms, clock)


class FollowedRig(PaperRig):
    """For the contract: the simulated market as that of somebody else."""

    def __init__(self, books: LedgerStore, clock: ManualClock) -> None:
        super().__init__(books, clock)
        prices = SimulatedSource(TERMS, clock)
        self.gateway = PaperExchange(books, clock, TERMS, self.faults, prices=prices)


class HandRig(PaperRig):
    """For prices that a test sets."""

    def __init__(
        self, books: LedgerStore, clock: ManualClock, prices: HandPrices | None = None
    ) -> None:
        super().__init__(books, clock)
        self.prices = HandPrices(clock) if prices is None else prices
        self.gateway = PaperExchange(books, clock, TERMS, self.faults, prices=self.prices)

    def restarted(self) -> "HandRig":
        return HandRig(self.books, self.clock, self.prices)


@dataclass(frozen=True, kw_only=True)
class BinancePaper:
    """A paper account at the local Binance, which never hears of its orders."""

    gateway: PaperExchange
    source: CcxtExchange
    venue: Venue
    clock: ManualClock
    books: MemoryBooks

    async def opens(self) -> None:
        async with asyncio.timeout(10):
            await self.source.opened.wait()


def _terms_for(venue: Venue) -> CcxtTerms:
    """No keys, the exchange's own clock, and a pace that nobody waits for."""
    overrides = {**venue.ccxt_config(None), "timeout_on_exit": 0, "rateLimit": 1e-9}
    del overrides["number"]
    return CcxtTerms(exchange="binance", mode=AccountMode.PAPER, overrides=overrides)


@asynccontextmanager
async def trading_on(
    venue: Venue, clock: ManualClock, books: MemoryBooks
) -> AsyncIterator[BinancePaper]:
    """An account whose loops run, not yet waited for."""
    source = CcxtExchange(_terms_for(venue), clock, MarketCache(clock))
    gateway = PaperExchange(books, clock, TERMS, prices=source)
    running = asyncio.create_task(gateway.run())
    try:
        yield BinancePaper(gateway=gateway, source=source, venue=venue, clock=clock, books=books)
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def paper_at_binance(clock: ManualClock) -> AsyncIterator[BinancePaper]:
    """The same, connected."""
    async with running_venue(clock) as venue, trading_on(venue, clock, MemoryBooks()) as paper:
        await paper.opens()
        yield paper
