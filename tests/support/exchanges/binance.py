"""A rig of the ccxt adapter with the real ccxt library, connected to the fake Binance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from app.domain.accounts import AccountMode
from app.exchanges.ccxt.connection.clients import CcxtTerms
from app.exchanges.ccxt.connection.sessions import MarketCache
from app.exchanges.ccxt.exchange import CcxtExchange
from app.exchanges.paper.faults import Call
from tests.support.binance.api import faults
from tests.support.binance.api.requests import RequestKind
from tests.support.binance.engine.accounts import Account, Commission
from tests.support.binance.running import running_venue
from tests.support.binance.venue import Venue
from tests.support.clock import ManualClock

NOBODY = "http://127.0.0.1:1/api/v3"
_KINDS = {
    Call.SUBMIT: RequestKind.CREATE_ORDER,
    Call.CANCEL: RequestKind.CANCEL_ORDER,
    Call.FIND: RequestKind.FETCH_ORDER,
}


@dataclass(frozen=True, kw_only=True)
class BinanceRig:
    """The adapter, its clock, and the fake Binance with its faults."""

    gateway: CcxtExchange
    venue: Venue
    account: Account
    clock: ManualClock

    def lose_questions(self, call: Call) -> None:
        self.venue.faults.on(_KINDS[call], faults.CUT, times=None)

    def lose_answers(self, call: Call) -> None:
        self.venue.faults.on(_KINDS[call], faults.CUT.after_acceptance(), times=None)

    def cut_off(self, call: Call) -> None:
        if call in _KINDS:
            self._addresses()["private"] = NOBODY

    def recover(self) -> None:
        self.venue.faults.off()
        self._addresses()["private"] = f"http://{self.venue.address}/api/v3"

    def _addresses(self) -> dict[str, Any]:
        addresses: dict[str, Any] = self.gateway._session.client.urls["api"]
        return addresses


def terms_for(venue: Venue, account: Account | None, **changes: Any) -> CcxtTerms:
    """The account's keys, the fake's clock, and a rate limit that never makes a test wait."""
    config = venue.ccxt_config(account)
    keys = {name: config.pop(name, None) for name in ("apiKey", "secret")}
    del config["number"]
    values: dict[str, Any] = {
        "exchange": "binance",
        "mode": AccountMode.LIVE,
        "api_key": SecretStr(keys["apiKey"]) if keys["apiKey"] else None,
        "secret": SecretStr(keys["secret"]) if keys["secret"] else None,
        "overrides": {**config, "timeout_on_exit": 0, "verify": False, "rateLimit": 1e-9},
    }
    return CcxtTerms(**(values | changes))


@asynccontextmanager
async def at_binance(clock: ManualClock, **changes: Any) -> AsyncIterator[BinanceRig]:
    """An account with money; its adapter is running, but not necessarily connected yet."""
    async with running_venue(clock) as venue:
        account = venue.open_account("main", USDT=100_000, BTC=2)
        account.commission = Commission.QUOTE
        terms = terms_for(venue, account, **changes)
        gateway = CcxtExchange(terms, clock, MarketCache(clock))
        running = asyncio.create_task(gateway.run())
        try:
            yield BinanceRig(gateway=gateway, venue=venue, account=account, clock=clock)
        finally:
            running.cancel()
            await asyncio.wait([running])
        venue.assert_books_balance()


@asynccontextmanager
async def trading(clock: ManualClock, **changes: Any) -> AsyncIterator[BinanceRig]:
    """The same, connected and subscribed to its account's stream."""
    async with at_binance(clock, **changes) as rig:
        async with asyncio.timeout(10):
            await rig.gateway.opened.wait()
            await rig.venue.journal.until(RequestKind.SUBSCRIBE)
            await subscribed(rig)
        yield rig


async def subscribed(rig: BinanceRig) -> None:
    """Wait until the fake Binance streams to this account."""
    async with asyncio.timeout(5):
        while not rig.venue.user_streams.listeners(rig.account.name):  # noqa: ASYNC110
            await asyncio.sleep(0.0005)
