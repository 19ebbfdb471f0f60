"""The local Binance: its protocol over the shared engine."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aiohttp import web

from app.ports import Clock
from tests.support.venues.binance.api import faults, rest
from tests.support.venues.binance.api.answers import Answers
from tests.support.venues.binance.api.limits import Limits
from tests.support.venues.binance.api.market_desk import MarketDesk
from tests.support.venues.binance.api.market_streams import MarketStreams
from tests.support.venues.binance.api.order_desk import OrderDesk
from tests.support.venues.binance.api.refusals import banned
from tests.support.venues.binance.api.user_streams import UserStreams
from tests.support.venues.engine.accounts import Account
from tests.support.venues.serving.faults import Fault
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.own_faults import OwnFaults
from tests.support.venues.serving.requests import Request
from tests.support.venues.serving.sockets import Sockets, Speaker


class Venue(LocalVenue):
    exchange = "binance"
    user_streams: UserStreams

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.limits = Limits()
        markets = MarketDesk(self.books.listings, self.matching.tapes, self.limits)
        self.desk = OrderDesk(self.books, self.matching, markets)
        self.gate = Gate(Answers(markets, self.desk, self.limits).give, self.now)
        self.market_streams = MarketStreams(self.matching.tapes, self.now)
        self.user_streams = UserStreams(self.books, self.gate, self.now)

    async def read(self, request: web.BaseRequest) -> Request:
        return await rest.read(request, self.now())

    def speaker(self, path: str) -> tuple[Sockets, Speaker] | None:
        if path.startswith("/stream"):
            return self.market_streams.sockets, self.market_streams
        if path.startswith("/ws-api"):
            return self.user_streams.sockets, self.user_streams
        return None

    @property
    def market_sockets(self) -> Sockets:
        return self.market_streams.sockets

    @property
    def user_sockets(self) -> Sockets:
        return self.user_streams.sockets

    def lift_limits(self) -> None:
        self.limits.weight_limit = 1_000_000_000

    def moved(self, symbol: str, before: Any) -> None:
        self.market_streams.moved(symbol, before)

    def deposited(self, account: Account, asset: str, change: Decimal) -> None:
        self.user_streams.moved(account, asset, change)

    def hide_new_orders(self, seconds: float) -> None:
        self.desk.visible_after_seconds = seconds

    @property
    def own_faults(self) -> OwnFaults:
        return OwnFaults(
            too_many=lambda seconds: faults.too_many(retry_after=seconds),
            banned=self._banned,
            unknown_outcome=faults.UNKNOWN_OUTCOME,
            late=faults.LATE,
        )

    def _banned(self, seconds: int) -> Fault:
        until = self.now() + seconds * 1000
        return faults.refusal(banned(until=until, retry_after=seconds))

    def ccxt_settings(self, account: Account | None) -> dict[str, Any]:
        options = {
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
        }
        return {"urls": {"api": dict(self._urls())}, "options": options, **self.keys(account)}

    def _urls(self) -> Mapping[str, Any]:
        http, socket = f"http://{self.address}", f"ws://{self.address}"
        rest = {"public": "/api/v3", "private": "/api/v3", "v1": "/api/v1", "sapi": "/sapi/v1"}
        others = {"fapiPublic": "/fapi/v1", "dapiPublic": "/dapi/v1", "eapiPublic": "/eapi/v1"}
        versions = {f"sapiV{number}": f"/sapi/v{number}" for number in (2, 3, 4)}
        paths = rest | others | versions
        streams = {"spot": f"{socket}/stream/ws", "ws-api": {"spot": f"{socket}/ws-api/v3"}}
        return {name: http + path for name, path in paths.items()} | {"ws": streams}
