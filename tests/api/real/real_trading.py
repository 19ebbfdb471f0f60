"""An API with a real account, over the genuine ccxt, at the local exchange."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.runtime import Parts
from tests.api.conftest import running, settings_of
from tests.support.api.clients import PATIENCE_SECONDS, Client, Data
from tests.support.api.trading import WAITING
from tests.support.clock import ManualClock
from tests.support.venues.engine.accounts import Account
from tests.support.venues.serving.local_venue import LocalVenue

ACCOUNTS = """{ accounts {
  name exchange mode connectivity connectivityDetail lastReconciledAt
  capabilities { orderTypes amendOrder streamingOrders }
} }"""
READ = """query ($name: String!) { order(clientOrderId: $name, account: "main") {
  status filled source fees { currency amount } fills { nodes { price amount fee { amount } } }
} }"""
PREVIEW = """query ($input: PlaceOrderInput!) { previewOrder(input: $input) {
  refusal { code message }
} }"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trading:
    """An API with an account at the exchange, and what happens behind it."""

    # One of the local exchanges, of which each has switches of its own.
    venue: Any
    account: Account
    clock: ManualClock
    client: Client

    async def until(
        self, look: Callable[[], Awaitable[Data]], is_so: Callable[[Data], bool]
    ) -> Data:
        """Let time pass until it is so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so(seen := await look()):
                await self.clock.advance(0.25)
        return seen

    async def until_in_step(self) -> None:
        """Until orders would be taken."""
        wanted = {**WAITING, "price": "40000", "account": "main"}

        async def preview() -> Data:
            told: Data = (await self.client.ask(PREVIEW, input=wanted))["previewOrder"]
            return told

        await self.until(preview, lambda told: told["refusal"] is None)

    async def until_order(self, name: str, status: str) -> Data:
        return await self.until(lambda: self.order(name), lambda seen: seen["status"] == status)

    async def main(self) -> Data:
        told = (await self.client.ask(ACCOUNTS))["accounts"]
        [main] = [one for one in told if one["name"] == "main"]
        return dict(main)

    async def order(self, name: str) -> Data:
        found: Data = (await self.client.ask(READ, name=name))["order"]
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where an API trades, and where it keeps what it knows."""

    venue: LocalVenue
    database_url: str
    folder: Path
    clock: ManualClock


@asynccontextmanager
async def traded(site: Site, account: Account, **settings: str) -> AsyncIterator[Trading]:
    """The API with the account `main` there, and further settings."""
    venue, clock = site.venue, site.clock
    told = venue.ccxt_settings(account)
    keys = {"API_KEY": told.pop("apiKey"), "SECRET": told.pop("secret")}
    main = {"EXCHANGE": venue.exchange, "MODE": "live", "CCXT": json.dumps(told), **keys}
    environ = {f"accounts__main__{name}": value for name, value in main.items()}
    loaded = settings_of(site.database_url, site.folder, **(environ | settings))
    # Time stands still for the client as well, which therefore must not wait its turn.
    loaded.accounts["main"].ccxt.update(milliseconds=venue.now, rateLimit=0)
    async with running(loaded, Parts(clock=clock)) as api:
        yield Trading(venue=venue, account=account, clock=clock, client=api.client())
