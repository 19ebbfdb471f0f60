"""The fake's books of accounts, orders and trades: the only code that changes them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count

from app.domain import money
from tests.support.venues.engine.accounts import Account, Commission
from tests.support.venues.engine.declined import Declined, Why
from tests.support.venues.engine.digits import ZERO, truncated
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import Change, Execution, Order, Side, Status, Trade

Listener = Callable[[Change], None]
Rate = Callable[[str], Decimal | None]


@dataclass(frozen=True, kw_only=True)
class Fill:
    """An amount that is filled at a price."""

    amount: Decimal
    price: Decimal
    is_maker: bool = True


class Books:
    def __init__(self, now: Callable[[], int], bnb_rate: Rate) -> None:
        self.accounts: dict[str, Account] = {}
        self.listings: dict[str, Listing] = {}
        self.orders: dict[int, Order] = {}
        self.trades: dict[int, Trade] = {}
        self.listeners: list[Listener] = []
        self._now = now
        self._bnb_rate = bnb_rate
        self._order_ids = count(1001)
        self._trade_ids = count(5001)

    def next_order_id(self) -> int:
        return next(self._order_ids)

    def of(self, account: str) -> list[Order]:
        return [order for order in self.orders.values() if order.account == account]

    def open_orders(self, symbol: str) -> list[Order]:
        """The open orders of a market, oldest first."""
        every = self.orders.values()
        return [order for order in every if order.symbol == symbol and order.status.is_open]

    def accept(self, order: Order) -> Order:
        """Accept an order and lock its money."""
        account = self.accounts[order.account]
        taken = {each.client_order_id for each in self.of(order.account) if each.status.is_open}
        if order.client_order_id in taken:
            raise Declined(Why.DUPLICATE_ID)
        if account.balance(order.locked_asset).free < order.locked:
            raise Declined(Why.INSUFFICIENT_FUNDS)
        account.lock(order.locked_asset, order.locked)
        return self._record(order, Execution.NEW)

    def trigger(self, order: Order) -> Order:
        return self._record(replace(order, is_working=True, updated_at=self._now()), Execution.NEW)

    def can_pay(self, order: Order, fill: Fill) -> bool:
        free = self.accounts[order.account].balance(order.locked_asset).free
        return money.add(free, self._released(order, fill)) >= self._paid(order, fill)

    def fill(self, order: Order, fill: Fill) -> Order:
        if not (order.status.is_open and ZERO < fill.amount <= order.remaining):
            raise ValueError(f"{order} cannot be filled with {fill}")
        if not self.can_pay(order, fill):
            raise ValueError(f"{order.account} cannot pay {fill} of {order}")
        released = self._released(order, fill)
        filled = money.add(order.filled, fill.amount)
        after = replace(
            order,
            filled=filled,
            cost=money.add(order.cost, money.multiply(fill.amount, fill.price)),
            locked=money.subtract(order.locked, released),
            status=Status.FILLED if filled == order.amount else Status.PARTIALLY_FILLED,
            updated_at=self._now(),
        )
        trade = self._trade(order, fill, released)
        return self._record(after, Execution.TRADE, trade=trade)

    def amend(self, order: Order, *, amount: Decimal, price: Decimal) -> Order:
        """Change an open order's amount and price, and lock more or less money for it."""
        if not order.status.is_open or amount <= order.filled:
            raise ValueError(f"{order} cannot be amended to {amount}")
        account = self.accounts[order.account]
        unit_lock = price if order.side is Side.BUY else order.unit_lock
        locked = money.multiply(money.subtract(amount, order.filled), unit_lock)
        more = money.subtract(locked, order.locked)
        if account.balance(order.locked_asset).free < more:
            raise Declined(Why.INSUFFICIENT_FUNDS)
        account.lock(order.locked_asset, more)
        terms = replace(order, amount=amount, price=price, unit_lock=unit_lock, locked=locked)
        return self._record(replace(terms, updated_at=self._now()), Execution.AMENDED)

    def close(self, order: Order, status: Status, *, request_id: str | None = None) -> Order:
        if not order.status.is_open:
            raise ValueError(f"{order} is closed already")
        self.accounts[order.account].lock(order.locked_asset, -order.locked)
        after = replace(order, status=status, locked=ZERO, updated_at=self._now())
        return self._record(after, Execution(status.value), request_id=request_id)

    def _released(self, order: Order, fill: Fill) -> Decimal:
        if fill.amount == order.remaining:
            return order.locked
        return min(money.multiply(fill.amount, order.unit_lock), order.locked)

    def _paid(self, order: Order, fill: Fill) -> Decimal:
        if order.side is Side.SELL:
            return fill.amount
        return money.multiply(fill.amount, fill.price)

    def _trade(self, order: Order, fill: Fill, released: Decimal) -> Trade:
        account = self.accounts[order.account]
        listing = self.listings[order.symbol]
        cost = money.multiply(fill.amount, fill.price)
        got, got_asset = (fill.amount, listing.base)
        if order.side is Side.SELL:
            got, got_asset = (cost, listing.quote)
        account.lock(order.locked_asset, -released)
        account.pay(order.locked_asset, self._paid(order, fill))
        account.receive(got_asset, got)
        commission, asset = self._commission(account, order, fill)
        account.pay(asset, commission)
        trade = Trade(
            id=next(self._trade_ids),
            order_id=order.id,
            account=order.account,
            symbol=order.symbol,
            side=order.side,
            price=fill.price,
            amount=fill.amount,
            cost=cost,
            commission=commission,
            commission_asset=asset,
            is_maker=fill.is_maker,
            at=self._now(),
        )
        self.trades[trade.id] = trade
        return trade

    def _commission(self, account: Account, order: Order, fill: Fill) -> tuple[Decimal, str]:
        rate = account.fee_rate(is_maker=fill.is_maker)
        of_base = money.multiply(fill.amount, rate)
        of_quote = money.multiply(of_base, fill.price)
        listing = self.listings[order.symbol]
        in_base = (truncated(of_base), listing.base)
        in_quote = (truncated(of_quote), listing.quote)
        received = in_base if order.side is Side.BUY else in_quote
        match account.commission:
            case Commission.BASE:
                fee = in_base
            case Commission.QUOTE:
                fee = in_quote
            case Commission.BNB:
                fee = self._in_bnb(of_quote, listing.quote) or received
            case Commission.RECEIVED:
                fee = received
        has_enough = account.balance(fee[1]).free >= fee[0]
        return fee if has_enough else received

    def _in_bnb(self, of_quote: Decimal, quote: str) -> tuple[Decimal, str] | None:
        price = self._bnb_rate(quote)
        return None if price is None else (truncated(money.divide(of_quote, price)), "BNB")

    def _record(
        self,
        order: Order,
        execution: Execution,
        *,
        trade: Trade | None = None,
        request_id: str | None = None,
    ) -> Order:
        self.orders[order.id] = order
        change = Change(order=order, execution=execution, trade=trade, request_id=request_id)
        for listener in self.listeners:
            listener(change)
        return order
