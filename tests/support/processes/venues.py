"""Settings for a server with an account at a local exchange, and checks that both agree."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import RowMapping

from app.domain import money
from app.domain.order_kinds import OrderSide, OrderSource
from app.domain.orders.order import OrderStatus
from tests.support.processes.books import UNANSWERED, Books, Facts, compare
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.orders import Order, Side, Status, Type
from tests.support.venues.serving.local_venue import OTHERS, LocalVenue

# How long the exchange accepts a delayed request, and the same plus a second.
RECEIVE_WINDOW_MILLISECONDS = 2_000
NOT_FOUND_SECONDS = 3
# An order that the exchange ended has expired at Binance; other exchanges call it canceled, or
# rejected after it was taken.
_ENDED = frozenset({OrderStatus.EXPIRED, OrderStatus.CANCELED, OrderStatus.REJECTED})
_NAMELESS = "of others"
_STATUSES = {
    Status.NEW: OrderStatus.OPEN,
    Status.PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
    Status.FILLED: OrderStatus.FILLED,
    Status.CANCELED: OrderStatus.CANCELED,
    Status.EXPIRED: OrderStatus.EXPIRED,
}


def settings_at(venue: LocalVenue, account: Account) -> dict[str, object]:
    """Settings with an account `main` at a local exchange, compared very often."""
    ccxt = venue.ccxt_settings(account)
    names = {"apiKey": "api_key", "secret": "secret", "password": "password"}
    keys = {ours: ccxt.pop(theirs) for theirs, ours in names.items() if theirs in ccxt}
    ccxt.setdefault("options", {})["recvWindow"] = RECEIVE_WINDOW_MILLISECONDS
    # ccxt's pause per unit of cost, in milliseconds: the fake needs no pacing.
    ccxt["rateLimit"] = 1
    main = {"exchange": venue.exchange, "mode": "live", "ccxt": json.dumps(ccxt), **keys}
    return {
        "reconcile_seconds": 1,
        "watchdog_seconds": 3,
        "not_found_seconds": NOT_FOUND_SECONDS,
        "exchange_timeout_seconds": 2,
        **{f"accounts__main__{name}": value for name, value in main.items()},
    }


def differences(books: Books, venue: LocalVenue, account: Account) -> list[str]:
    """The differences between our records and the exchange's, in words."""
    unanswered = [row["id"] for row in books.orders if row["status"] in UNANSWERED]
    return [
        *(f"order {order_id} is not answered" for order_id in unanswered),
        *_forgotten(books, venue, account),
        *compare("order", _our_orders(books, venue), _their_orders(venue, account)),
        *compare("fill", _our_fills(books), _their_fills(venue, account)),
        *compare("balance", _our_balances(books, account), _their_balances(account)),
    ]


def _forgotten(books: Books, venue: LocalVenue, account: Account) -> Iterator[str]:
    """Orders without an exchange order id must be REJECTED, and unknown to the exchange."""
    known = {order.client_order_id for order in venue.orders(account)}
    for row in books.orders:
        is_nameless = row["exchange_order_id"] is None and row["status"] not in UNANSWERED
        if is_nameless and (row["status"] != OrderStatus.REJECTED or row["wire_id"] in known):
            yield f"order {row['id']} is {row['status']} and not known as such there"


def _ending(venue: LocalVenue, status: str) -> str:
    """The status; of those that only the words of an exchange tell apart, one for all."""
    is_vague = venue.exchange != "binance" and status in _ENDED
    return "ENDED" if is_vague else status


def _our_orders(books: Books, venue: LocalVenue) -> Facts:
    return Counter(
        (
            _wire_id(row, venue),
            row["exchange_order_id"],
            row["symbol"],
            row["side"],
            _ending(venue, row["status"]),
            row["amount"],
            row["filled"],
            row["cost"],
        )
        for row in books.orders
        if row["exchange_order_id"] is not None
    )


def _wire_id(row: RowMapping, venue: LocalVenue) -> str:
    """The id that the exchange has: of external orders, it is our client order id."""
    if row["source"] != OrderSource.EXTERNAL:
        return str(row["wire_id"])
    return str(row["client_order_id"]) if venue.names_others else _NAMELESS


def _their_orders(venue: LocalVenue, account: Account) -> Facts:
    return Counter(
        (
            _name(order, venue),
            venue.order_id(order),
            _symbol(venue, order.symbol),
            order.side.value,
            _ending(venue, _STATUSES[order.status].value),
            order.amount,
            order.filled,
            order.cost,
        )
        for order in map(partial(_as_told, venue), venue.orders(account))
        if order.amount
    )


def _as_told(venue: LocalVenue, order: Order) -> Order:
    """The order with the amount that the exchange tells, if it tells none of a market buy."""
    is_told_by_money = (
        venue.buys_spend_money and order.type is Type.MARKET and order.side is Side.BUY
    )
    if not is_told_by_money or order.status.is_open:
        return order
    return replace(order, amount=order.filled, status=Status.FILLED)


def _name(order: Order, venue: LocalVenue) -> str:
    is_ours = not order.client_order_id.startswith(OTHERS)
    return order.client_order_id if is_ours or venue.names_others else _NAMELESS


def _our_fills(books: Books) -> Facts:
    """Our valid fills, without times: fills in the answer to an order have none."""
    orders = {row["id"]: row["exchange_order_id"] for row in books.orders}
    return Counter(
        (orders[row["order_id"]], row["exchange_trade_id"], *_money(row))
        for row in _valid_fills(books)
    )


def _money(row: RowMapping) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("price", "amount", "fee_currency", "fee_amount"))


def _their_fills(venue: LocalVenue, account: Account) -> Facts:
    return Counter(
        (
            venue.order_id(venue.order(trade.order_id)),
            venue.trade_id(trade),
            trade.price,
            trade.amount,
            trade.commission_asset,
            trade.commission,
        )
        for trade in venue.trades(account)
    )


def _our_balances(books: Books, account: Account) -> Facts:
    """The deposits plus all fills that we have, minus all fees."""
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


def _symbol(venue: LocalVenue, name: str) -> str:
    listing = venue.books.listings[name]
    return f"{listing.base}/{listing.quote}"
