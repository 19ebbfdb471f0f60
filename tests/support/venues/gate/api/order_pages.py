"""Orders, trades and balances in Gate's JSON. The engine's BNB stands for Gate's own GT."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.engine.accounts import Account, Balance
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import Order, Side, Status, TimeInForce, Trade, Type
from tests.support.venues.gate.api.market_pages import Page, pair_of

# Fees in it have a field of their own.
GT = "BNB"
_STATUSES = {
    Status.NEW: "open",
    Status.PARTIALLY_FILLED: "open",
    Status.FILLED: "closed",
    Status.CANCELED: "cancelled",
    Status.EXPIRED: "cancelled",
}
_EVENTS = {Status.NEW: "put", Status.PARTIALLY_FILLED: "update"}


def order_page(
    order: Order, listing: Listing, trades: Sequence[Trade], *, text: str, account: str
) -> Page:
    return {
        **_common(order, listing, trades, text=text, account=account),
        "create_time_ms": order.created_at,
        "update_time_ms": order.updated_at,
        "status": _STATUSES[order.status],
        "iceberg": "0",
        "fill_price": money.plain(order.cost),
        "gt_maker_fee": "0",
        "gt_taker_fee": "0",
        "gt_discount": False,
    }


def streamed_order(
    order: Order, listing: Listing, trades: Sequence[Trade], *, text: str, account: str
) -> Page:
    """An order in the stream, where it has no status, but says what happened."""
    return {
        **_common(order, listing, trades, text=text, account=account),
        "create_time_ms": str(order.created_at),
        "update_time_ms": str(order.updated_at),
        "user": 10406147,
        "event": _EVENTS.get(order.status, "finish"),
        "biz_info": "ch:ccxt",
    }


def trade_page(trade: Trade, listing: Listing, *, text: str) -> Page:
    return {
        "id": str(trade.id),
        "create_time": str(trade.at // 1000),
        "create_time_ms": f"{trade.at}.000000",
        "currency_pair": pair_of(listing),
        "side": str(trade.side).lower(),
        "role": "maker" if trade.is_maker else "taker",
        "amount": money.plain(trade.amount),
        "price": money.plain(trade.price),
        "order_id": str(trade.order_id),
        **_fees([trade], trade.side, listing),
        "sequence_id": str(trade.id),
        "text": text,
        "amend_text": "-",
    }


def streamed_trade(trade: Trade, listing: Listing, *, text: str) -> Page:
    page = trade_page(trade, listing, text=text)
    return page | {"id": trade.id, "user_id": 10406147, "create_time": trade.at // 1000}


def balance_page(account: Account, *, is_unified: bool) -> Any:
    rows = {_code_of(asset): held for asset, held in sorted(account.balances.items())}
    if is_unified:
        return {"user_id": 10406147, "balances": {code: _unified(rows[code]) for code in rows}}
    return [
        {
            "currency": code,
            "available": money.plain(held.free),
            "locked": money.plain(held.locked),
            "update_id": 98,
        }
        for code, held in rows.items()
    ]


def detail_page(account: Account, *, is_unified: bool) -> Page:
    return {
        "user_id": 10406147,
        "ip_whitelist": ["10.0.0.1"] if account.is_ip_bound else [],
        "currency_pairs": [],
        "key": {"mode": 2 if is_unified else 1},
        "tier": 0,
        "tier_expire_time": "0001-01-01T00:00:00Z",
        "copy_trading_role": 0,
    }


def _common(
    order: Order, listing: Listing, trades: Sequence[Trade], *, text: str, account: str
) -> Page:
    by_cost = order.type is Type.MARKET and order.side is Side.BUY
    asked = order.quote_amount if by_cost else order.amount
    done = order.cost if by_cost else order.filled
    average = money.divide(order.cost, order.filled) if order.filled else ZERO
    return {
        "id": str(order.id),
        "text": text,
        "amend_text": "-",
        "create_time": str(order.created_at // 1000),
        "update_time": str(order.updated_at // 1000),
        "currency_pair": pair_of(listing),
        "type": "market" if order.type is Type.MARKET else "limit",
        "account": account,
        "side": str(order.side).lower(),
        "amount": money.plain(asked),
        "price": money.plain(order.price),
        "time_in_force": _time_in_force(order),
        "left": money.plain(money.subtract(asked, done)),
        "filled_amount": money.plain(order.filled),
        "filled_total": money.plain(order.cost),
        "avg_deal_price": money.plain(average),
        **_fees(trades, order.side, listing),
        "rebated_fee": "0",
        "rebated_fee_currency": listing.quote,
        "stp_id": 0,
        "stp_act": "-",
        "finish_as": _finish_of(order),
    }


def _fees(trades: Sequence[Trade], side: Side, listing: Listing) -> Page:
    """What was paid in a currency of the market, and in GT."""
    received = listing.base if side is Side.BUY else listing.quote
    usual = [each.commission_asset for each in trades if each.commission_asset != GT]
    currency = usual[-1] if usual else received
    return {
        "fee": money.plain(_paid(trades, currency)),
        "fee_currency": currency,
        "point_fee": "0",
        "gt_fee": money.plain(_paid(trades, GT)),
    }


def _paid(trades: Sequence[Trade], asset: str) -> Decimal:
    return money.total(each.commission for each in trades if each.commission_asset == asset)


def _time_in_force(order: Order) -> str:
    if order.type is Type.LIMIT_MAKER:
        return "poc"
    if order.type is Type.MARKET and order.time_in_force is TimeInForce.GTC:
        return "ioc"
    return str(order.time_in_force).lower()


def _finish_of(order: Order) -> str:
    match order.status:
        case Status.NEW | Status.PARTIALLY_FILLED:
            return "open"
        case Status.FILLED:
            return "filled"
        case Status.CANCELED:
            return "cancelled"
        case Status.EXPIRED:
            at_once = {"ioc", "fok"} & {_time_in_force(order)}
            # No word is known for orders that waited and that Gate ended itself.
            return "depth_not_enough" if order.type is Type.MARKET else (*at_once, "unknown")[0]


def _code_of(asset: str) -> str:
    return "GT" if asset == GT else asset


def _unified(held: Balance) -> Page:
    return {
        "available": money.plain(held.free),
        "freeze": money.plain(held.locked),
        "borrowed": "0",
        "equity": money.plain(held.total),
    }
