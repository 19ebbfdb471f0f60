"""A rig of the ccxt adapter with the real ccxt library, connected to a local exchange."""

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import SecretStr

from app.domain.accounts import AccountMode
from app.exchanges.ccxt.connection.clients import CcxtTerms
from app.exchanges.ccxt.connection.sessions import MarketCache
from app.exchanges.ccxt.exchange import CcxtExchange
from app.exchanges.paper.faults import Call
from tests.support.clock import ManualClock
from tests.support.venues.engine.accounts import Account, Commission
from tests.support.venues.serving import faults
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.requests import RequestKind
from tests.support.venues.serving.running import running

NOBODY = "http://127.0.0.1:1"
_KINDS = {
    Call.SUBMIT: RequestKind.CREATE_ORDER,
    Call.CANCEL: RequestKind.CANCEL_ORDER,
    Call.AMEND: RequestKind.AMEND_ORDER,
    Call.FIND: RequestKind.FETCH_ORDER,
}

V = TypeVar("V", bound=LocalVenue)


@dataclass(frozen=True, kw_only=True)
class VenueRig(Generic[V]):
    """The adapter, its clock, and the local exchange with its faults."""

    gateway: CcxtExchange
    venue: V
    account: Account
    clock: ManualClock
    _addresses: dict[str, Any] = field(default_factory=dict)

    def lose_questions(self, call: Call) -> None:
        self.venue.faults.on(_KINDS[call], faults.CUT, times=None)

    def lose_answers(self, call: Call) -> None:
        self.venue.faults.on(_KINDS[call], faults.CUT.after_acceptance(), times=None)

    def cut_off(self, call: Call) -> None:
        if call in _KINDS:
            urls = self.gateway._session.client.urls
            self._addresses.setdefault("api", copy.deepcopy(urls["api"]))
            urls["api"] = _of_nobody(urls["api"])

    def recover(self) -> None:
        self.venue.faults.off()
        if self._addresses:
            self.gateway._session.client.urls["api"] = self._addresses.pop("api")


def _of_nobody(urls: Any) -> Any:
    """The same addresses of requests, at a port where nobody listens; sockets stay as they are."""
    if isinstance(urls, Mapping):
        return {name: _of_nobody(branch) for name, branch in urls.items()}
    return f"{NOBODY}/{urls.split('/', 3)[-1]}" if urls.startswith("http:") else urls


def terms_for(
    venue: LocalVenue, account: Account | None, *, rate_limit: float = 1e-9, **changes: Any
) -> CcxtTerms:
    """The account's keys, the exchange's clock, and by default a pace that makes no test wait."""
    config = venue.ccxt_config(account)
    keys = {
        name: SecretStr(config.pop(name)) if name in config else None
        for name in ("apiKey", "secret", "password")
    }
    del config["number"]
    values: dict[str, Any] = {
        "exchange": venue.exchange,
        "mode": AccountMode.LIVE,
        "api_key": keys["apiKey"],
        "secret": keys["secret"],
        "password": keys["password"],
        "overrides": {**config, "timeout_on_exit": 0, "verify": False, "rateLimit": rate_limit},
    }
    return CcxtTerms(**(values | changes))


@asynccontextmanager
async def opened(venue: V, clock: ManualClock, **changes: Any) -> AsyncIterator[VenueRig[V]]:
    """An account with money; its adapter is running, but not necessarily connected yet."""
    async with running(venue):
        account = venue.open_account("main", USDT=100_000, BTC=2)
        account.commission = Commission.QUOTE
        terms = terms_for(venue, account, **changes)
        gateway = CcxtExchange(terms, clock, MarketCache(clock))
        task = asyncio.create_task(gateway.run())
        try:
            yield VenueRig(gateway=gateway, venue=venue, account=account, clock=clock)
        finally:
            task.cancel()
            await asyncio.wait([task])
        venue.assert_books_balance()


@asynccontextmanager
async def trading_at(venue: V, clock: ManualClock, **changes: Any) -> AsyncIterator[VenueRig[V]]:
    """The same, connected and subscribed to its account's stream."""
    async with opened(venue, clock, **changes) as rig:
        async with asyncio.timeout(10):
            await rig.gateway.opened.wait()
            await rig.venue.journal.until(RequestKind.SUBSCRIBE, times=venue.account_channels)
            await subscribed(rig)
        yield rig


async def subscribed(rig: VenueRig[Any]) -> None:
    """Wait until the exchange streams to this account."""
    async with asyncio.timeout(5):
        while not rig.venue.user_streams.listeners(rig.account.name):  # noqa: ASYNC110
            await asyncio.sleep(0.0005)
