"""Matches orders against the quote: at once, when the price reaches them, or when triggered."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from app.domain import money
from tests.support.venues.engine.balances import Books, Fill
from tests.support.venues.engine.declined import Declined, Why
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import NewOrder, Order, Side, Status, TimeInForce, Type
from tests.support.venues.engine.tape import Quote, Tape


class Matching:
    """Fills orders at the quote, whose full amounts are available to every order."""

    def __init__(self, books: Books, now: Callable[[], int]) -> None:
        self.tapes: dict[str, Tape] = {}
        # How many trades an order is filled by that takes what is offered.
        self.trades_per_taker = 1
        self._books = books
        self._now = now

    def place(self, new_order: NewOrder, account: str, listing: Listing) -> Order:
        tape = self.tapes[listing.symbol]
        refuse_prices(new_order, tape)
        order = self.accept(new_order, account, listing)
        return self._take(order) if order.is_working else order

    def accept(self, new_order: NewOrder, account: str, listing: Listing) -> Order:
        """Take an order into the books, and fill nothing."""
        return self._books.accept(self._order(new_order, account, listing))

    def amend(self, order: Order, *, amount: Decimal, price: Decimal) -> Order:
        """Change an open order, which may take what its new price reaches."""
        return self._take(self._books.amend(order, amount=amount, price=price))

    def meet(self, symbol: str) -> None:
        """Trigger or fill the open orders of a market that the present prices reach."""
        tape = self.tapes[symbol]
        for order in self._books.open_orders(symbol):
            if not order.is_working:
                if is_due(order.type, order.side, order.stop_price, tape.last.price):
                    self._take(self._books.trigger(order))
            elif crosses(order.side, order.price, tape.quote):
                amount = min(order.remaining, _offered(order.side, tape.quote))
                self._books.fill(order, Fill(amount=amount, price=order.price))

    def _take(self, order: Order) -> Order:
        quote = self.tapes[order.symbol].quote
        has_price = order.type.has_price
        if has_price and not crosses(order.side, order.price, quote):
            return self._end(order)
        amount = min(order.remaining, _offered(order.side, quote))
        is_short = amount < order.remaining
        if is_short and order.time_in_force is TimeInForce.FOK:
            return self._books.close(order, Status.EXPIRED)
        fill = Fill(amount=amount, price=_best(order.side, quote), is_maker=False)
        if not self._books.can_pay(order, fill):
            return self._books.close(order, Status.EXPIRED)
        return self._end(self._filled(order, fill))

    def _filled(self, order: Order, fill: Fill) -> Order:
        """Fill an order by as many trades as there are to be, the last of them the largest."""
        step = self._books.listings[order.symbol].step
        parts = Decimal(self.trades_per_taker)
        part = money.floor_to_step(money.divide(fill.amount, parts), step)
        for _ in range(self.trades_per_taker - 1):
            order = self._books.fill(order, replace(fill, amount=part))
        rest = money.subtract(fill.amount, money.multiply(part, parts - 1))
        return self._books.fill(order, replace(fill, amount=rest))

    def _end(self, order: Order) -> Order:
        rests = order.type.has_price and order.time_in_force is TimeInForce.GTC
        if rests or not order.status.is_open:
            return order
        return self._books.close(order, Status.EXPIRED)

    def _order(self, new_order: NewOrder, account: str, listing: Listing) -> Order:
        quote = self.tapes[listing.symbol].quote
        best = _best(new_order.side, quote)
        is_buy = new_order.side is Side.BUY
        amount = new_order.amount or affordable(new_order.quote_amount, best, listing.step)
        if not amount:
            raise Declined(Why.TOO_SMALL)
        unit_lock = (new_order.price or new_order.stop_price or best) if is_buy else Decimal(1)
        now = self._now()
        return Order(
            id=self._books.next_order_id(),
            account=account,
            symbol=listing.symbol,
            client_order_id=new_order.client_order_id,
            side=new_order.side,
            type=new_order.type,
            time_in_force=new_order.time_in_force,
            amount=amount,
            quote_amount=new_order.quote_amount,
            price=new_order.price,
            stop_price=new_order.stop_price,
            locked_asset=listing.quote if is_buy else listing.base,
            locked=money.multiply(amount, unit_lock),
            unit_lock=unit_lock,
            created_at=now,
            updated_at=now,
            is_working=not new_order.type.has_stop,
        )


def refuse_prices(new_order: NewOrder, tape: Tape) -> None:
    if new_order.type is Type.LIMIT_MAKER and crosses(new_order.side, new_order.price, tape.quote):
        raise Declined(Why.WOULD_TAKE)
    if new_order.type.has_stop and is_due(
        new_order.type, new_order.side, new_order.stop_price, tape.last.price
    ):
        raise Declined(Why.WOULD_TRIGGER)


def is_due(kind: Type, side: Side, stop: Decimal, last: Decimal) -> bool:
    waits_for_rise = kind.startswith("STOP") == (side is Side.BUY)
    return last >= stop if waits_for_rise else last <= stop


def crosses(side: Side, price: Decimal, quote: Quote) -> bool:
    return price >= quote.ask if side is Side.BUY else price <= quote.bid


def affordable(cost: Decimal, price: Decimal, step: Decimal) -> Decimal:
    """The amount that a cost buys, in whole steps."""
    amount = money.floor_to_step(money.divide(cost, price), step)
    return max(amount, ZERO)


def _best(side: Side, quote: Quote) -> Decimal:
    return quote.ask if side is Side.BUY else quote.bid


def _offered(side: Side, quote: Quote) -> Decimal:
    return quote.ask_amount if side is Side.BUY else quote.bid_amount
