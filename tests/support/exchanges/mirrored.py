"""Rigs of paper accounts that mirror prices: set by a test, simulated, or of the fake Binance."""

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
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.price_only import ManualPrices
from tests.support.exchanges.rigs import TERMS, PaperRig
from tests.support.venues.binance.running import running_venue
from tests.support.venues.binance.venue import Venue


def mirrored_source(terms: PaperTerms, clock: Clock) -> MirroredSource:
    """A price source that mirrors the simulated prices as if they were another exchange's."""
    return MirroredSource(SimulatedSource(terms, clock), terms, clock)


class MirroredRig(PaperRig):
    """A paper account that mirrors the simulated market, for the contract tests."""

    def __init__(self, books: LedgerStore, clock: ManualClock) -> None:
        super().__init__(books, clock)
        prices = SimulatedSource(TERMS, clock)
        self.gateway = PaperExchange(books, clock, TERMS, self.faults, prices=prices)


class ManualRig(PaperRig):
    """A paper account that mirrors prices set by the test."""

    def __init__(
        self, books: LedgerStore, clock: ManualClock, prices: ManualPrices | None = None
    ) -> None:
        super().__init__(books, clock)
        self.prices = ManualPrices(clock) if prices is None else prices
        self.gateway = PaperExchange(books, clock, TERMS, self.faults, prices=self.prices)

    def restarted(self) -> "ManualRig":
        return ManualRig(self.books, self.clock, self.prices)


@dataclass(frozen=True, kw_only=True)
class BinancePaper:
    """A paper account that mirrors the fake Binance, which never receives its orders."""

    gateway: PaperExchange
    source: CcxtExchange
    venue: Venue
    clock: ManualClock
    books: MemoryLedger

    async def opens(self) -> None:
        async with asyncio.timeout(10):
            await self.source.opened.wait()


def _terms_for(venue: Venue) -> CcxtTerms:
    """No keys, the fake's clock, and a rate limit that never makes a test wait."""
    overrides = {**venue.ccxt_config(None), "timeout_on_exit": 0, "rateLimit": 1e-9}
    del overrides["number"]
    return CcxtTerms(exchange="binance", mode=AccountMode.PAPER, overrides=overrides)


@asynccontextmanager
async def trading_on(
    venue: Venue, clock: ManualClock, books: MemoryLedger
) -> AsyncIterator[BinancePaper]:
    """The account with its loops running, not necessarily connected yet."""
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
    """The account and its fake Binance, connected."""
    async with running_venue(clock) as venue, trading_on(venue, clock, MemoryLedger()) as paper:
        await paper.opens()
        yield paper
