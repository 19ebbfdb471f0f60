"""Orders and fills in Coinbase's JSON: as requests answer them, and as the stream tells them."""

from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.coinbase.api.account_pages import PORTFOLIO
from tests.support.venues.coinbase.api.names import order_uuid, product_id, time_text, trade_uuid
from tests.support.venues.coinbase.api.new_orders import MARKET, STOP, TIMES_IN_FORCE
from tests.support.venues.engine.digits import ZERO, truncated
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import Order, Side, Status, TimeInForce, Trade, Type

Page = dict[str, Any]

_USER = "2222222-2222-2222-2222-222222222222"
_WORDS = {
    TimeInForce.GTC: "GOOD_UNTIL_CANCELLED",
    TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
    TimeInForce.FOK: "FILL_OR_KILL",
}
_CONFIGURATIONS = {word: name for name, word in TIMES_IN_FORCE.items()}


def created_page(order: Order, listing: Listing) -> Page:
    """The answer to a new order: ids alone."""
    named = {
        "order_id": order_uuid(order.id),
        "product_id": product_id(listing),
        "side": order.side.value,
        "client_order_id": order.client_order_id,
    }
    return {"success": True, "success_response": named, "order_configuration": _terms(order)}


def order_page(order: Order, listing: Listing, trades: list[Trade]) -> Page:
    fees = _fees(trades)
    return {
        "order_id": order_uuid(order.id),
        "product_id": product_id(listing),
        "user_id": _USER,
        "order_configuration": _terms(order),
        "side": order.side.value,
        "client_order_id": order.client_order_id,
        "status": status_of(order),
        "time_in_force": _WORDS[order.time_in_force],
        "created_time": time_text(order.created_at),
        "completion_percentage": _percentage(order),
        "filled_size": money.plain(order.filled),
        "average_filled_price": average(order),
        "fee": "",
        "number_of_fills": str(len(trades)),
        "filled_value": money.plain(order.cost),
        "pending_cancel": False,
        "size_in_quote": bool(order.quote_amount),
        "total_fees": money.plain(fees),
        "size_inclusive_of_fees": False,
        "total_value_after_fees": money.plain(_after_fees(order, fees)),
        "trigger_status": "STOP_PENDING" if not order.is_working else "INVALID_ORDER_TYPE",
        "order_type": _kind(order),
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": not order.status.is_open,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": "User requested cancel" if order.status is Status.CANCELED else "",
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": money.plain(order.locked),
        "is_liquidation": False,
        "last_fill_time": time_text(trades[-1].at) if trades else None,
        "edit_history": [],
        "leverage": "",
        "margin_type": "UNKNOWN_MARGIN_TYPE",
        "retail_portfolio_id": PORTFOLIO,
    }


def streamed_order(order: Order, listing: Listing, trades: list[Trade]) -> Page:
    """The order with its totals; the stream tells of no trade alone."""
    fees = _fees(trades)
    return {
        "avg_price": average(order),
        "cancel_reason": "User requested cancel" if order.status is Status.CANCELED else "",
        "client_order_id": order.client_order_id,
        "completion_percentage": _percentage(order),
        "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
        "cumulative_quantity": money.plain(order.filled),
        "filled_value": money.plain(order.cost),
        "leaves_quantity": money.plain(order.remaining if order.status.is_open else ZERO),
        "limit_price": money.plain(order.price),
        "number_of_fills": str(len(trades)),
        "order_id": order_uuid(order.id),
        "order_side": order.side.value,
        "order_type": _kind(order).title().replace("_", " "),
        "outstanding_hold_amount": money.plain(order.locked),
        "post_only": str(order.type is Type.LIMIT_MAKER).lower(),
        "product_id": product_id(listing),
        "product_type": "SPOT",
        "reject_reason": "",
        "retail_portfolio_id": PORTFOLIO,
        "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
        "status": status_of(order),
        "stop_price": money.plain(order.stop_price) if order.type.has_stop else "",
        "time_in_force": _WORDS[order.time_in_force],
        "total_fees": money.plain(fees),
        "total_value_after_fees": money.plain(_after_fees(order, fees)),
        "trigger_status": "INVALID_ORDER_TYPE",
        "creation_time": time_text(order.created_at),
        "end_time": "0001-01-01T00:00:00Z",
        "start_time": "0001-01-01T00:00:00Z",
    }


def fill_page(trade: Trade, listing: Listing) -> Page:
    return {
        "entry_id": f"{trade.id:064x}",
        "trade_id": trade_uuid(trade.id),
        "order_id": order_uuid(trade.order_id),
        "trade_time": time_text(trade.at),
        "trade_type": "FILL",
        "price": money.plain(trade.price),
        "size": money.plain(trade.amount),
        "commission": money.plain(trade.commission),
        "product_id": product_id(listing),
        "sequence_timestamp": time_text(trade.at),
        "liquidity_indicator": "MAKER" if trade.is_maker else "TAKER",
        "size_in_quote": False,
        "user_id": _USER,
        "side": trade.side.value,
        "retail_portfolio_id": PORTFOLIO,
    }


def status_of(order: Order) -> str:
    """Coinbase lets only orders with an end in time expire; others that it ends are canceled."""
    if order.status is Status.EXPIRED:
        rested = order.type.has_price and order.time_in_force is TimeInForce.GTC
        return "EXPIRED" if rested else "CANCELLED"
    return {Status.FILLED: "FILLED", Status.CANCELED: "CANCELLED"}.get(order.status, "OPEN")


def _terms(order: Order) -> Page:
    if order.type is Type.MARKET:
        if order.quote_amount:
            return {MARKET: {"quote_size": money.plain(order.quote_amount)}}
        return {MARKET: {"base_size": money.plain(order.amount)}}
    terms: Page = {
        "base_size": money.plain(order.amount),
        "limit_price": money.plain(order.price),
    }
    if order.type.has_stop:
        waits_for_rise = order.type.startswith("STOP") == (order.side is Side.BUY)
        terms["stop_price"] = money.plain(order.stop_price)
        terms["stop_direction"] = f"STOP_DIRECTION_STOP_{'UP' if waits_for_rise else 'DOWN'}"
        return {STOP: terms}
    if order.time_in_force is TimeInForce.GTC:
        terms["post_only"] = order.type is Type.LIMIT_MAKER
    return {_CONFIGURATIONS[order.time_in_force]: terms}


def _kind(order: Order) -> str:
    if order.type.has_stop:
        return "STOP_LIMIT"
    return "LIMIT" if order.type.has_price else "MARKET"


def average(order: Order) -> str:
    """It is cut, so that it does not give the exact cost."""
    if not order.filled:
        return "0"
    return money.plain(truncated(money.divide(order.cost, order.filled)))


def _percentage(order: Order) -> str:
    return f"{100 * money.divide(order.filled, order.amount):.2f}"


def _fees(trades: list[Trade]) -> Decimal:
    return money.total(trade.commission for trade in trades)


def _after_fees(order: Order, fees: Decimal) -> Decimal:
    if order.side is Side.BUY:
        return money.add(order.cost, fees)
    return money.subtract(order.cost, fees)
