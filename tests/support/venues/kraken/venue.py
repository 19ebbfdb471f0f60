"""The local Kraken: its protocol over the shared engine."""

from decimal import Decimal
from typing import Any

from aiohttp import web

from app.ports import Clock
from tests.support.venues.engine.accounts import Account, Commission
from tests.support.venues.engine.orders import Order, Trade
from tests.support.venues.kraken.api import faults, names, rest
from tests.support.venues.kraken.api.answers import Answers
from tests.support.venues.kraken.api.limits import Limits
from tests.support.venues.kraken.api.market_desk import MarketDesk
from tests.support.venues.kraken.api.market_streams import MarketStreams
from tests.support.venues.kraken.api.order_desk import OrderDesk
from tests.support.venues.kraken.api.user_streams import UserStreams
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.own_faults import OwnFaults
from tests.support.venues.serving.requests import Request
from tests.support.venues.serving.sockets import Sockets, Speaker


class Venue(LocalVenue):
    exchange = "kraken"
    tells_unfilled = False
    usual_commission = Commission.QUOTE
    # Their names are longer than the 18 characters of a client order id.
    names_others = False
    user_streams: UserStreams

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.limits = Limits()
        listings, tapes = self.books.listings, self.matching.tapes
        markets = MarketDesk(listings, tapes)
        self.desk = OrderDesk(self.books, self.matching, markets, self.limits)
        self.gate = Gate(Answers(markets, self.desk).give, self.now)
        self.market_streams = MarketStreams(listings, tapes, markets, self.now)
        self.user_streams = UserStreams(self.books, self.gate, self.now)

    async def read(self, request: web.BaseRequest) -> Request:
        return await rest.read(request, self.now())

    def speaker(self, path: str) -> tuple[Sockets, Speaker] | None:
        if path.startswith("/ws-auth/"):
            return self.user_streams.sockets, self.user_streams
        if path.startswith("/ws/"):
            return self.market_streams.sockets, self.market_streams
        return None

    @property
    def market_sockets(self) -> Sockets:
        return self.market_streams.sockets

    @property
    def user_sockets(self) -> Sockets:
        return self.user_streams.sockets

    def lift_limits(self) -> None:
        self.limits.tier = None

    @property
    def own_faults(self) -> OwnFaults:
        return OwnFaults(
            too_many=lambda seconds: faults.too_many(retry_after=seconds),
            banned=lambda seconds: faults.too_many(retry_after=seconds),
            unknown_outcome=faults.UNKNOWN_OUTCOME,
            late=faults.LATE,
        )

    def moved(self, symbol: str, before: Any) -> None:
        self.market_streams.moved(symbol, before)

    def deposited(self, account: Account, asset: str, change: Decimal) -> None:
        """Deposits are on the channel of balances, which nobody here subscribes to."""

    def hide_new_orders(self, seconds: float) -> None:
        self.desk.visible_after_seconds = seconds

    def order_id(self, order: Order) -> str:
        return names.order_txid(order.id)

    def trade_id(self, trade: Trade) -> str:
        return names.trade_txid(trade.id)

    def ccxt_settings(self, account: Account | None) -> dict[str, Any]:
        http, socket = f"http://{self.address}", f"ws://{self.address}"
        streams = {
            "public": f"{socket}/ws/v1",
            "private": f"{socket}/ws-auth/v1",
            "publicV2": f"{socket}/ws/v2",
            "privateV2": f"{socket}/ws-auth/v2",
        }
        urls = {"public": http, "private": http, "ws": streams}
        return {"urls": {"api": urls}, **self.keys(account)}
