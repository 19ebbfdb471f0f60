"""The local Bybit: its protocol over the shared engine."""

from decimal import Decimal
from typing import Any

from aiohttp import web

from app.ports import Clock
from tests.support.venues.bybit.api import faults, rest
from tests.support.venues.bybit.api.account_desk import AccountDesk
from tests.support.venues.bybit.api.answers import Answers
from tests.support.venues.bybit.api.limits import Limits
from tests.support.venues.bybit.api.market_desk import MarketDesk
from tests.support.venues.bybit.api.market_streams import MarketStreams
from tests.support.venues.bybit.api.order_desk import OrderDesk
from tests.support.venues.bybit.api.private_streams import PrivateStreams
from tests.support.venues.engine.accounts import Account
from tests.support.venues.serving.faults import Fault
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.own_faults import OwnFaults
from tests.support.venues.serving.requests import Request
from tests.support.venues.serving.sockets import Sockets, Speaker


class Venue(LocalVenue):
    exchange = "bybit"
    user_streams: PrivateStreams

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.limits = Limits()
        self.accounts = AccountDesk(self.books)
        markets = MarketDesk(self.books.listings, self.matching.tapes)
        self.desk = OrderDesk(self.books, self.matching, self.accounts)
        answers = Answers(self.accounts, markets, self.desk, self.limits)
        self.gate = Gate(answers.give, self.now)
        self.market_streams = MarketStreams(self.matching.tapes, self.now)
        self.user_streams = PrivateStreams(self.books, self.accounts, self.gate, self.now)

    def make_classic(self, account: Account) -> None:
        """Turn it into a classic account, which spends the amount of a market buy as money."""
        self.accounts.classic.add(account.name)

    async def read(self, request: web.BaseRequest) -> Request:
        return await rest.read(request, self.now())

    def speaker(self, path: str) -> tuple[Sockets, Speaker] | None:
        if path.startswith("/v5/public"):
            return self.market_streams.sockets, self.market_streams
        if path == "/v5/private":
            return self.user_streams.sockets, self.user_streams
        return None

    @property
    def market_sockets(self) -> Sockets:
        return self.market_streams.sockets

    @property
    def user_sockets(self) -> Sockets:
        return self.user_streams.sockets

    def lift_limits(self) -> None:
        self.limits.is_on = False

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
        self.market_streams.moved(symbol, before)

    def deposited(self, account: Account, asset: str, change: Decimal) -> None:
        self.user_streams.moved(account, asset)

    def hide_new_orders(self, seconds: float) -> None:
        self.desk.visible_after_seconds = seconds

    def ccxt_settings(self, account: Account | None) -> dict[str, Any]:
        http, socket = f"http://{self.address}", f"ws://{self.address}"
        public = {name: f"{socket}/v5/public/{name}" for name in ("spot", "linear")}
        private = {"contract": f"{socket}/v5/private"}
        urls = {"public": http, "private": http, "ws": {"public": public, "private": private}}
        options = {"fetchMarkets": {"types": ["spot"]}}
        return {"urls": {"api": urls}, "options": options, **self.keys(account)}
