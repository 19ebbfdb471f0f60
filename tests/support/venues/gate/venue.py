"""The local Gate: its protocol over the shared engine."""

from decimal import Decimal
from typing import Any

from aiohttp import web

from app.ports import Clock
from tests.support.venues.engine.accounts import Account
from tests.support.venues.gate.api import faults, rest
from tests.support.venues.gate.api.answers import Answers
from tests.support.venues.gate.api.limits import Limits
from tests.support.venues.gate.api.market_desk import MarketDesk
from tests.support.venues.gate.api.market_streams import MarketStreams
from tests.support.venues.gate.api.order_desk import OrderDesk
from tests.support.venues.gate.api.user_streams import UserStreams
from tests.support.venues.serving.faults import Fault
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.own_faults import OwnFaults
from tests.support.venues.serving.requests import Request
from tests.support.venues.serving.sockets import Sockets, Speaker

_SECTIONS = ("spot", "margin", "account", "unified")


class Venue(LocalVenue):
    exchange = "gate"
    account_channels = 2
    buys_spend_money = True
    user_streams: UserStreams

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.limits = Limits()
        tapes = self.matching.tapes
        markets = MarketDesk(self.books.listings, tapes)
        self.desk = OrderDesk(self.books, self.matching, markets)
        self.gate = Gate(Answers(markets, self.desk, self.limits).give, self.now)
        shared = Sockets()
        self.market_streams = MarketStreams(shared, markets, tapes, self.now)
        self.user_streams = UserStreams(
            shared, self.books, self.desk, self.market_streams, self.gate, self.now
        )

    def make_unified(self, account: Account) -> None:
        """Turn it into a unified account, whose orders are apart from those of classic ones."""
        self.desk.unified.add(account.name)

    async def read(self, request: web.BaseRequest) -> Request:
        return await rest.read(request, self.now())

    def speaker(self, path: str) -> tuple[Sockets, Speaker] | None:
        return (self.user_sockets, self.user_streams) if path.startswith("/ws/v4") else None

    @property
    def market_sockets(self) -> Sockets:
        return self.market_streams.sockets

    @property
    def user_sockets(self) -> Sockets:
        return self.user_streams.sockets

    def lift_limits(self) -> None:
        self.limits.are_kept = False

    @property
    def own_faults(self) -> OwnFaults:
        return OwnFaults(
            too_many=self._too_many,
            banned=self._too_many,
            unknown_outcome=faults.UNKNOWN_OUTCOME,
            late=faults.LATE,
        )

    def _too_many(self, seconds: int) -> Fault:
        return faults.too_many(retry_after=seconds, now=self.now())

    def moved(self, symbol: str, before: Any) -> None:
        self.market_streams.moved(self.books.listings[symbol], before)

    def deposited(self, account: Account, asset: str, change: Decimal) -> None:
        """Nothing: balances have a channel of their own, which we do not offer."""

    def hide_new_orders(self, seconds: float) -> None:
        self.desk.visible_after_seconds = seconds

    def ccxt_settings(self, account: Account | None) -> dict[str, Any]:
        http = dict.fromkeys(_SECTIONS, f"http://{self.address}/api/v4")
        urls = {"public": http, "private": http, "spot": f"ws://{self.address}/ws/v4/"}
        options = {"fetchMarkets": {"types": ["spot"]}}
        return {"urls": {"api": urls}, "options": options, **self.keys(account)}
