"""The local OKX: its protocol over the shared engine."""

from decimal import Decimal
from typing import Any

from aiohttp import web

from app.ports import Clock
from tests.support.venues.engine.accounts import Account
from tests.support.venues.okx.api import faults, rest
from tests.support.venues.okx.api.answers import Answers
from tests.support.venues.okx.api.limits import Limits
from tests.support.venues.okx.api.market_desk import MarketDesk
from tests.support.venues.okx.api.market_streams import MarketStreams
from tests.support.venues.okx.api.order_desk import OrderDesk
from tests.support.venues.okx.api.signatures import passphrase_of
from tests.support.venues.okx.api.user_streams import UserStreams
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.own_faults import OwnFaults
from tests.support.venues.serving.requests import Request
from tests.support.venues.serving.sockets import Sockets, Speaker


class Venue(LocalVenue):
    exchange = "okx"
    account_channels = 2
    user_streams: UserStreams

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.limits = Limits()
        markets = MarketDesk(self.books.listings, self.matching.tapes)
        self.desk = OrderDesk(self.books, self.matching, markets)
        self.gate = Gate(Answers(markets, self.desk, self.limits).give, self.now)
        self.market_streams = MarketStreams(markets, self.matching.tapes, self.now)
        self.user_streams = UserStreams(self.books, self.desk, self.gate, self.now)

    async def read(self, request: web.BaseRequest) -> Request:
        return await rest.read(request, self.now())

    def speaker(self, path: str) -> tuple[Sockets, Speaker] | None:
        if path == "/ws/v5/private":
            return self.user_streams.sockets, self.user_streams
        if path.startswith("/ws/v5/"):
            return self.market_streams.sockets, self.market_streams
        return None

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
            too_many=lambda seconds: faults.too_many(retry_after=seconds),
            banned=lambda seconds: faults.too_many(retry_after=seconds),
            unknown_outcome=faults.UNKNOWN_OUTCOME,
            late=faults.LATE,
        )

    def moved(self, symbol: str, before: Any) -> None:
        self.market_streams.moved(self.books.listings[symbol], before)

    def deposited(self, account: Account, asset: str, change: Decimal) -> None:
        """Nothing: balances have a channel of their own, which we do not offer."""

    def hide_new_orders(self, seconds: float) -> None:
        self.desk.visible_after_seconds = seconds

    def ccxt_settings(self, account: Account | None) -> dict[str, Any]:
        urls = {"rest": f"http://{self.address}", "ws": f"ws://{self.address}/ws/v5"}
        passphrase = {"password": passphrase_of(account)} if account else {}
        options = {"fetchMarkets": {"types": ["spot"]}}
        return {"urls": {"api": urls}, "options": options, **self.keys(account), **passphrase}
