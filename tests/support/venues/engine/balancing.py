"""Checks that the books balance, recomputed from deposits, trades and open orders alone."""

from decimal import Decimal

from app.domain import money
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.orders import Order, Side, Status, Trade


def imbalances(books: Books) -> list[str]:
    """Everything that does not add up, in words."""
    wrong = [words for account in books.accounts.values() for words in _account(books, account)]
    return wrong + [words for order in books.orders.values() for words in _order(books, order)]


def _account(books: Books, account: Account) -> list[str]:
    totals, locked = _totals(books, account), _locked(books, account)
    wrong: list[str] = []
    for asset in sorted({*account.balances, *totals, *locked}):
        held = account.balance(asset)
        if held.total != totals.get(asset, ZERO):
            wrong.append(f"{account.name} holds {held.total} {asset}, not {totals.get(asset)}")
        if held.locked != locked.get(asset, ZERO):
            wrong.append(f"{account.name} locks {held.locked} {asset}, not {locked.get(asset)}")
        if held.free < ZERO or held.locked < ZERO:
            wrong.append(f"{account.name} has less than nothing: {held} {asset}")
    return wrong


def _totals(books: Books, account: Account) -> dict[str, Decimal]:
    sums = dict(account.deposits)
    for trade in books.trades.values():
        if trade.account == account.name:
            _settle(sums, books, trade)
    return sums


def _settle(sums: dict[str, Decimal], books: Books, trade: Trade) -> None:
    listing = books.listings[trade.symbol]
    sign = 1 if trade.side is Side.BUY else -1
    flows = (
        (listing.base, sign * trade.amount),
        (listing.quote, -sign * money.multiply(trade.amount, trade.price)),
        (trade.commission_asset, -trade.commission),
    )
    for asset, amount in flows:
        sums[asset] = money.add(sums.get(asset, ZERO), amount)


def _locked(books: Books, account: Account) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for order in books.of(account.name):
        if order.status.is_open:
            asset = order.locked_asset
            needed = money.multiply(order.remaining, order.unit_lock)
            sums[asset] = money.add(sums.get(asset, ZERO), needed)
    return sums


def _order(books: Books, order: Order) -> list[str]:
    trades = [trade for trade in books.trades.values() if trade.order_id == order.id]
    filled = money.total(trade.amount for trade in trades)
    cost = money.total(money.multiply(trade.amount, trade.price) for trade in trades)
    facts = {
        f"{order.id} is filled with {order.filled}, its trades say {filled}": order.filled
        == filled,
        f"{order.id} cost {order.cost}, its trades say {cost}": order.cost == cost,
        f"{order.id} is overfilled": order.filled <= order.amount,
        f"{order.id} is {order.status} with {order.filled}": _is_honest(order),
    }
    return [words for words, is_true in facts.items() if not is_true]


def _is_honest(order: Order) -> bool:
    match order.status:
        case Status.NEW:
            return order.filled == ZERO
        case Status.PARTIALLY_FILLED:
            return ZERO < order.filled < order.amount
        case Status.FILLED:
            return order.filled == order.amount
        case Status.CANCELED | Status.EXPIRED:
            return order.filled < order.amount and order.locked == ZERO
