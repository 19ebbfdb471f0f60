"""The local KuCoin: its protocol over the shared engine, for high-frequency spot accounts."""

from decimal import Decimal
from typing import Any

from aiohttp import web

from app.ports import Clock
from tests.support.venues.engine.accounts import Account, Commission
from tests.support.venues.engine.orders import Order
from tests.support.venues.kucoin.api import faults, rest
from tests.support.venues.kucoin.api.account_desk import AccountDesk
from tests.support.venues.kucoin.api.answers import Answers
from tests.support.venues.kucoin.api.limits import Limits
from tests.support.venues.kucoin.api.market_desk import MarketDesk
from tests.support.venues.kucoin.api.market_streams import MarketStreams
from tests.support.venues.kucoin.api.order_desk import OrderDesk
from tests.support.venues.kucoin.api.order_pages import order_id
from tests.support.venues.kucoin.api.signatures import passphrase_of
from tests.support.venues.kucoin.api.stream_tokens import PRIVATE, PUBLIC, StreamTokens
from tests.support.venues.kucoin.api.user_streams import UserStreams
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.own_faults import OwnFaults
from tests.support.venues.serving.requests import Request
from tests.support.venues.serving.sockets import Sockets, Speaker


class Venue(LocalVenue):
    exchange = "kucoin"
    tells_unfilled = False
    tells_crossing = False
    usual_commission = Commission.QUOTE
    user_streams: UserStreams

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.limits = Limits()
        self.tokens = StreamTokens(lambda: self.address)
        self.accounts = AccountDesk(self.books, self.tokens)
        markets = MarketDesk(self.books.listings, self.matching.tapes, self.tokens)
        self.desk = OrderDesk(self.books, self.matching, markets)
        answers = Answers(markets, self.accounts, self.desk, self.limits)
        self.gate = Gate(answers.give, self.now)
        self.market_streams = MarketStreams(markets, self.matching.tapes, self.now)
        self.user_streams = UserStreams(self.books, self.tokens, self.gate, self.now)

    async def read(self, request: web.BaseRequest) -> Request:
        return await rest.read(request, self.now())

    def speaker(self, path: str) -> tuple[Sockets, Speaker] | None:
        if path == PRIVATE:
            return self.user_streams.sockets, self.user_streams
        if path == PUBLIC:
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
        self.market_streams.moved(self.books.listings[symbol])

    def deposited(self, account: Account, asset: str, change: Decimal) -> None:
        """Nothing: balances have a topic of their own, which we do not offer."""

    def hide_new_orders(self, seconds: float) -> None:
        self.desk.visible_after_seconds = seconds

    def order_id(self, order: Order) -> str:
        return order_id(order.id)

    def ccxt_settings(self, account: Account | None) -> dict[str, Any]:
        names = ("public", "private", "utaPrivate")
        urls = dict.fromkeys(names, f"http://{self.address}")
        passphrase = {"password": passphrase_of(account)} if account else {}
        return {"urls": {"api": urls}, **self.keys(account), **passphrase}
