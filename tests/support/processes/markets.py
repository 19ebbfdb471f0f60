"""Moves prices and trades at random at a local exchange, as a busy market would."""

import asyncio
import random
from decimal import Decimal

from app.domain import money
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.orders import Order
from tests.support.venues.engine.tape import Quote
from tests.support.venues.serving.local_venue import LocalVenue

LONGEST_TICK_SECONDS = 0.06
SYMBOLS = {"BTC/USDT": "BTCUSDT", "ETH/USDT": "ETHUSDT"}
# How far the price moves from the listed one, in hundredths of a percent.
_AWAY = 20
# The depth of the best level in quote currency: less than most orders need.
_OFFERED = (100, 900)


class Market:
    """Random prices, offers too small for most orders, and orders placed by another program."""

    def __init__(self, venue: LocalVenue, account: Account, chance: random.Random) -> None:
        self._venue = venue
        self._account = account
        self._chance = chance

    def quote(self, symbol: str) -> Quote:
        return self._venue.matching.tapes[SYMBOLS[symbol]].quote

    async def run(self, until: asyncio.Event) -> None:
        while not until.is_set():
            self._move(self._chance.choice(list(SYMBOLS.values())))
            match self._chance.randrange(40):
                case 0:
                    self._trade_elsewhere()
                case 1:
                    self.fill_some_order()
                case 2:
                    self._close_some_order()
            await asyncio.sleep(self._chance.uniform(0, LONGEST_TICK_SECONDS))

    def fill_some_order(self) -> None:
        """Fill part of an open order, regardless of the price."""
        order = self._some_order()
        if order is not None:
            step = self._venue.books.listings[order.symbol].step
            part = Decimal(self._chance.randint(1, 4)) / 4
            amount = money.floor_to_step(money.multiply(order.remaining, part), step)
            self._venue.fill(order.id, amount or order.remaining)

    def _move(self, symbol: str) -> None:
        listing = self._venue.books.listings[symbol]
        percent = Decimal(100_00 + self._chance.randint(-_AWAY, _AWAY)) / 100_00
        price = money.floor_to_step(money.multiply(listing.price, percent), listing.tick)
        bid_amount, ask_amount = (
            money.floor_to_step(Decimal(self._chance.randint(*_OFFERED)) / price, listing.step)
            for _ in range(2)
        )
        quote = Quote(
            bid=money.subtract(price, listing.tick),
            ask=price,
            bid_amount=bid_amount,
            ask_amount=ask_amount,
        )
        self._venue.quote(symbol, quote, last=price)

    def _trade_elsewhere(self) -> None:
        """Place an order on the account that does not come from the server under test."""
        symbol = self._chance.choice(list(SYMBOLS.values()))
        listing = self._venue.books.listings[symbol]
        side = self._chance.choice(("BUY", "SELL"))
        amount = money.floor_to_step(Decimal(500) / listing.price, listing.step)
        price = self._chance.choice((None, listing.price))
        self._venue.place_elsewhere(self._account, symbol, side, amount, price)

    def _close_some_order(self) -> None:
        """Cancel or expire an order, as an exchange sometimes does by itself."""
        order = self._some_order()
        if order is not None:
            self._chance.choice((self._venue.cancel, self._venue.expire))(order.id)

    def _some_order(self) -> Order | None:
        orders = self._venue.orders(self._account)
        waiting = [order for order in orders if order.status.is_open and order.is_working]
        return self._chance.choice(waiting) if waiting else None
