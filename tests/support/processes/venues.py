"""A server's account at the local exchange, and what both of them wrote down in the end."""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping

from app.domain import money
from app.domain.order_kinds import OrderSide, OrderSource
from app.domain.orders.order import OrderStatus
from tests.support.binance.engine.accounts import Account
from tests.support.binance.engine.orders import Status
from tests.support.binance.venue import Venue
from tests.support.processes.books import UNANSWERED, Books, Facts, compare

# So long the exchange takes a request that is on its way, and a second more.
RECEIVE_WINDOW_MILLISECONDS = 2_000
NOT_FOUND_SECONDS = 3
_STATUSES = {
    Status.NEW: OrderStatus.OPEN,
    Status.PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
    Status.FILLED: OrderStatus.FILLED,
    Status.CANCELED: OrderStatus.CANCELED,
    Status.EXPIRED: OrderStatus.EXPIRED,
}


def settings_at(venue: Venue, account: Account) -> dict[str, object]:
    """An account `main` there, looked after more often than people would."""
    ccxt = venue.ccxt_settings(account)
    keys = {"api_key": ccxt.pop("apiKey"), "secret": ccxt.pop("secret")}
    ccxt["options"]["recvWindow"] = RECEIVE_WINDOW_MILLISECONDS
    # Milliseconds for each of ccxt's costs, of which this exchange takes as many as it gets.
    ccxt["rateLimit"] = 1
    main = {"exchange": "binance", "mode": "live", "ccxt": json.dumps(ccxt), **keys}
    return {
        "reconcile_seconds": 1,
        "watchdog_seconds": 3,
        "not_found_seconds": NOT_FOUND_SECONDS,
        "exchange_timeout_seconds": 2,
        **{f"accounts__main__{name}": value for name, value in main.items()},
    }


def differences(books: Books, venue: Venue, account: Account) -> list[str]:
    """Where the exchange and we do not say the same, in words."""
    unanswered = [row["id"] for row in books.orders if row["status"] in UNANSWERED]
    return [
        *(f"order {order_id} is not answered" for order_id in unanswered),
        *_forgotten(books, venue, account),
        *compare("order", _our_orders(books), _their_orders(venue, account)),
        *compare("fill", _our_fills(books), _their_fills(venue, account)),
        *compare("balance", _our_balances(books, account), _their_balances(account)),
    ]


def _forgotten(books: Books, venue: Venue, account: Account) -> Iterator[str]:
    """What never reached the exchange was refused there or here, and is nothing else."""
    known = {order.client_order_id for order in venue.orders(account)}
    for row in books.orders:
        is_nameless = row["exchange_order_id"] is None and row["status"] not in UNANSWERED
        if is_nameless and (row["status"] != OrderStatus.REJECTED or row["wire_id"] in known):
            yield f"order {row['id']} is {row['status']} and not known as such there"


def _our_orders(books: Books) -> Facts:
    return Counter(
        (
            _wire_id(row),
            row["exchange_order_id"],
            row["symbol"],
            row["side"],
            row["status"],
            row["amount"],
            row["filled"],
            row["cost"],
        )
        for row in books.orders
        if row["exchange_order_id"] is not None
    )


def _wire_id(row: RowMapping) -> str:
    """Orders of others are known by a name of our own; the one they gave is beside it."""
    name = "client_order_id" if row["source"] == OrderSource.EXTERNAL else "wire_id"
    return str(row[name])


def _their_orders(venue: Venue, account: Account) -> Facts:
    return Counter(
        (
            order.client_order_id,
            str(order.id),
            _symbol(venue, order.symbol),
            order.side.value,
            _STATUSES[order.status].value,
            order.amount,
            order.filled,
            order.cost,
        )
        for order in venue.orders(account)
    )


def _our_fills(books: Books) -> Facts:
    """Without their times: the answer to an order tells its trades without any."""
    orders = {row["id"]: row["exchange_order_id"] for row in books.orders}
    return Counter(
        (orders[row["order_id"]], row["exchange_trade_id"], *_money(row))
        for row in _valid_fills(books)
    )


def _money(row: RowMapping) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("price", "amount", "fee_currency", "fee_amount"))


def _their_fills(venue: Venue, account: Account) -> Facts:
    return Counter(
        (
            str(trade.order_id),
            str(trade.id),
            trade.price,
            trade.amount,
            trade.commission_asset,
            trade.commission,
        )
        for trade in venue.trades(account)
    )


def _our_balances(books: Books, account: Account) -> Facts:
    """What was paid in, moved by every fill that we know and lessened by every fee."""
    totals = dict(account.deposits)
    for row in _valid_fills(books):
        base, quote = row["symbol"].split("/")
        sign = Decimal(1 if row["side"] == OrderSide.BUY else -1)
        for asset, change in (
            (base, money.multiply(sign, row["amount"])),
            (quote, money.multiply(-sign, row["cost"])),
            (row["fee_currency"], -(row["fee_amount"] or money.ZERO)),
        ):
            totals[asset] = money.add(totals.get(asset, money.ZERO), change)
    return Counter(totals.items())


def _their_balances(account: Account) -> Facts:
    return Counter((asset, held.total) for asset, held in account.balances.items())


def _valid_fills(books: Books) -> Iterator[RowMapping]:
    return (row for row in books.fills if row["superseded_revision"] is None)


def _symbol(venue: Venue, name: str) -> str:
    listing = venue.books.listings[name]
    return f"{listing.base}/{listing.quote}"
