"""The local Coinbase: its protocol over the shared engine."""

import uuid
from decimal import Decimal
from typing import Any

from aiohttp import web

from app.ports import Clock
from tests.support.venues.coinbase.api import faults, names, rest, signatures
from tests.support.venues.coinbase.api.answers import Answers
from tests.support.venues.coinbase.api.limits import Limits
from tests.support.venues.coinbase.api.market_desk import MarketDesk
from tests.support.venues.coinbase.api.order_desk import OrderDesk
from tests.support.venues.coinbase.api.streams import Streams
from tests.support.venues.engine.accounts import Account, Commission
from tests.support.venues.engine.digits import Number
from tests.support.venues.engine.orders import Order, Trade
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.own_faults import OwnFaults
from tests.support.venues.serving.requests import Request
from tests.support.venues.serving.sockets import Sockets, Speaker


class Venue(LocalVenue):
    exchange = "coinbase"
    tells_unfilled = False
    usual_commission = Commission.QUOTE
    user_streams: Streams

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.limits = Limits()
        tapes = self.matching.tapes
        markets = MarketDesk(self.books.listings, tapes)
        self.desk = OrderDesk(self.books, self.matching, markets)
        self.gate = Gate(Answers(self.books, markets, self.desk, self.limits).give, self.now)
        # Prices and orders come over the same socket.
        self.user_streams = self.market_streams = Streams(self.books, tapes, self.gate, self.now)

    def open_account(self, name: str, **balances: Number) -> Account:
        """An account whose key is a name, and whose secret signs tokens."""
        account = super().open_account(name, **balances)
        ids = (uuid.uuid5(uuid.NAMESPACE_URL, f"{name} {part}") for part in ("owner", "key"))
        account.api_key = "organizations/{}/apiKeys/{}".format(*ids)
        account.secret = signatures.new_key()
        return account

    async def read(self, request: web.BaseRequest) -> Request:
        return await rest.read(request, self.now())

    def speaker(self, path: str) -> tuple[Sockets, Speaker] | None:
        return (self.user_streams.sockets, self.user_streams) if path == "/ws" else None

    @property
    def market_sockets(self) -> Sockets:
        return self.user_streams.sockets

    @property
    def user_sockets(self) -> Sockets:
        return self.user_streams.sockets

    def lift_limits(self) -> None:
        self.limits.is_on = False

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
        """No stream tells of balances."""

    def hide_new_orders(self, seconds: float) -> None:
        self.desk.visible_after_seconds = seconds

    def order_id(self, order: Order) -> str:
        return names.order_uuid(order.id)

    def trade_id(self, trade: Trade) -> str:
        return names.trade_uuid(trade.id)

    def ccxt_settings(self, account: Account | None) -> dict[str, Any]:
        urls = {"rest": f"http://{self.address}", "ws": f"ws://{self.address}/ws"}
        return {"urls": {"api": urls}, **self.keys(account)}
