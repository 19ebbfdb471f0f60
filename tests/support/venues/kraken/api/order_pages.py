"""Orders, trades and balances in Kraken's JSON: by REST as texts, in streams as numbers."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.engine.accounts import Account, Commission
from tests.support.venues.engine.digits import ZERO, text, truncated
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import Change, Execution, Order, Status, TimeInForce, Trade
from tests.support.venues.engine.orders import Type as Kind
from tests.support.venues.kraken.api import names
from tests.support.venues.kraken.api.market_pages import moment_text

Page = dict[str, Any]

_TYPES = {
    Kind.MARKET: "market",
    Kind.LIMIT: "limit",
    Kind.LIMIT_MAKER: "limit",
    Kind.STOP_LOSS: "stop-loss",
    Kind.STOP_LOSS_LIMIT: "stop-loss-limit",
    Kind.TAKE_PROFIT: "take-profit",
    Kind.TAKE_PROFIT_LIMIT: "take-profit-limit",
}
# A name that the owner cannot have given is the engine's own, which Kraken does not show.
_LONGEST_NAME = 18


def placed_page(order: Order, listing: Listing) -> Page:
    """All that Kraken answers to a new order: its words, and its id."""
    return {"descr": {"order": _sentence(order, listing)}, "txid": [names.order_txid(order.id)]}


def order_page(
    order: Order, listing: Listing, account: Account, trades: Sequence[Trade] | None
) -> Page:
    """An order, with the ids of its trades only if they were asked for."""
    page: Page = {
        "refid": None,
        "userref": 0,
        "cl_ord_id": _name(order),
        "status": status_of(order),
        "opentm": order.created_at / 1000,
        "starttm": 0,
        "expiretm": 0,
        "descr": _description(order, listing),
        "vol": text(order.amount),
        "vol_exec": text(order.filled),
        "cost": text(truncated(order.cost)),
        "fee": text(money.total(_fee_in_quote(trade, listing) for trade in trades or ())),
        "price": text(_average(order)),
        "stopprice": text(order.stop_price),
        "limitprice": text(order.price if order.type.has_stop else ZERO),
        "misc": "",
        "oflags": _flags(order, account),
    }
    if not order.status.is_open:
        page |= {"closetm": order.updated_at / 1000, "reason": _reason(order)}
    if trades:
        page["trades"] = [names.trade_txid(trade.id) for trade in trades]
    return page


def trade_page(trade: Trade, order: Order, listing: Listing) -> Page:
    return {
        "ordertxid": names.order_txid(trade.order_id),
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": names.pair_id(listing),
        "time": trade.at / 1000,
        "type": trade.side.lower(),
        "ordertype": _TYPES[order.type],
        "price": text(trade.price),
        "cost": text(truncated(trade.cost)),
        "fee": text(_fee_in_quote(trade, listing)),
        "vol": text(trade.amount),
        "margin": text(ZERO),
        "misc": "",
        "trade_id": trade.id,
        "maker": trade.is_maker,
    }


def balances_page(account: Account) -> Page:
    return {
        names.asset_id(asset): {"balance": text(held.total), "hold_trade": text(held.locked)}
        for asset, held in account.balances.items()
    }


def key_page(account: Account, *, nonce: str) -> Page:
    permissions = ["query-funds", "query-open-trades", "query-closed-trades"]
    permissions += ["modify-trades", "close-trades"] if account.can_trade else []
    permissions += ["withdraw-funds"] if account.can_withdraw else []
    return {
        "api_key_name": account.name,
        "nonce": nonce,
        "nonce_window": 0,
        "permissions": permissions,
        "ip_allowlist": ["127.0.0.1"] if account.is_ip_bound else [],
    }


def status_of(order: Order) -> str:
    if order.status.is_open:
        return "open"
    if order.status is Status.FILLED:
        return "closed"
    is_canceled = order.status is Status.CANCELED or _could_not_rest(order)
    return "canceled" if is_canceled else "expired"


def trade_event(trade: Trade, order: Order, listing: Listing) -> Page:
    """One trade; numbers are written as numbers, with all their digits."""
    return {
        "order_id": names.order_txid(order.id),
        "cl_ord_id": _name(order),
        "exec_id": names.trade_txid(trade.id),
        "exec_type": "trade",
        "trade_id": trade.id,
        "symbol": names.stream_symbol(listing),
        "side": trade.side.lower(),
        "last_qty": trade.amount,
        "last_price": trade.price,
        "liquidity_ind": "m" if trade.is_maker else "t",
        "cost": truncated(trade.cost),
        "order_userref": 0,
        "order_status": _stream_status(order),
        "order_type": _TYPES[order.type],
        "fee_usd_equiv": trade.commission,
        "fees": [{"asset": trade.commission_asset, "qty": trade.commission}],
        "timestamp": moment_text(trade.at),
    }


def order_event(change: Change, listing: Listing) -> Page:
    """A change of an order; what follows on the first names only what has changed."""
    order = change.order
    page: Page = {
        "order_id": names.order_txid(order.id),
        "cl_ord_id": _name(order),
        "order_userref": 0,
        "symbol": names.stream_symbol(listing),
        "exec_type": _exec_type(change),
        "order_status": _stream_status(order),
        "cum_qty": order.filled,
        "cum_cost": truncated(order.cost),
        "avg_price": _average(order),
        "fee_usd_equiv": ZERO,
        "timestamp": moment_text(order.updated_at),
    }
    if change.execution in {Execution.NEW, Execution.AMENDED}:
        page |= _terms(order)
    if order.status in {Status.CANCELED, Status.EXPIRED}:
        page |= {"reason": _reason(order), "cancel_reason": _reason(order)}
    return page


def snapshot_event(order: Order, listing: Listing) -> Page:
    return order_event(Change(order=order, execution=Execution.NEW), listing)


def _terms(order: Order) -> Page:
    terms: Page = {
        "side": order.side.lower(),
        "order_type": _TYPES[order.type],
        "order_qty": order.amount,
        "time_in_force": order.time_in_force.value,
        "fee_ccy_pref": "fciq",
    }
    if order.type.has_price:
        terms["limit_price"] = order.price
    if order.type.has_stop:
        terms["stop_price"] = order.stop_price
    return terms


def _exec_type(change: Change) -> str:
    match change.execution:
        case Execution.NEW:
            return "new"
        case Execution.TRADE:
            return "filled"
        case Execution.AMENDED:
            return "amended"
        case _:
            return status_of(change.order)


def _stream_status(order: Order) -> str:
    match order.status:
        case Status.NEW:
            return "new"
        case Status.PARTIALLY_FILLED:
            return "partially_filled"
        case Status.FILLED:
            return "filled"
        case _:
            return status_of(order)


def _description(order: Order, listing: Listing) -> Page:
    has_stop = order.type.has_stop
    first = order.stop_price if has_stop else order.price
    second = order.price if has_stop else ZERO
    return {
        "pair": names.pair_altname(listing),
        "type": order.side.lower(),
        "ordertype": _TYPES[order.type],
        "price": _plain(first),
        "price2": _plain(second),
        "leverage": "none",
        "order": _sentence(order, listing),
        "close": "",
    }


def _sentence(order: Order, listing: Listing) -> str:
    words = f"{order.side.lower()} {text(order.amount)} {names.pair_altname(listing)} @ "
    match order.type:
        case Kind.MARKET:
            return words + "market"
        case Kind.LIMIT | Kind.LIMIT_MAKER:
            return words + f"limit {_plain(order.price)}"
        case kind:
            name = "stop loss" if kind.startswith("STOP") else "take profit"
            limit = f" -> limit {_plain(order.price)}" if kind.has_price else ""
            return words + f"{name} {_plain(order.stop_price)}{limit}"


def _flags(order: Order, account: Account) -> str:
    paid_in = order.commission or account.commission
    flags = ["fcib" if paid_in is Commission.BASE else "fciq"]
    return ",".join([*flags, "post"] if order.type is Kind.LIMIT_MAKER else flags)


def _reason(order: Order) -> str | None:
    match order.status:
        case Status.CANCELED:
            return "User requested"
        case Status.EXPIRED:
            return "Could not be filled" if _could_not_rest(order) else "Order expired"
        case _:
            return None


def _could_not_rest(order: Order) -> bool:
    return order.type is Kind.MARKET or order.time_in_force is not TimeInForce.GTC


def _fee_in_quote(trade: Trade, listing: Listing) -> Decimal:
    """Requests tell fees in quote currency, whatever they were paid in."""
    if trade.commission_asset == listing.base:
        return truncated(money.multiply(trade.commission, trade.price))
    return trade.commission


def _name(order: Order) -> str | None:
    is_own = len(order.client_order_id) <= _LONGEST_NAME
    return order.client_order_id if is_own else None


def _average(order: Order) -> Decimal:
    if not order.filled:
        return ZERO
    return money.divide(order.cost, order.filled).quantize(Decimal("0.00000001"))


def _plain(value: Decimal) -> str:
    return text(value) if value else "0"
