"""Orders, trades and balances in OKX's JSON. A fee that is charged is a negative number."""

from collections.abc import Sequence
from decimal import Decimal

from app.domain import money
from tests.support.venues.engine.accounts import Account, Balance
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import Order, Side, Status, TimeInForce, Trade, Type
from tests.support.venues.okx.api.market_pages import Page, inst_id

STATES = {
    Status.NEW: "live",
    Status.PARTIALLY_FILLED: "partially_filled",
    Status.FILLED: "filled",
    Status.CANCELED: "canceled",
    Status.EXPIRED: "canceled",
}
_BY_USER, _UNFILLED_FOK, _UNFILLED_IOC, _WOULD_TAKE = "1", "13", "14", "31"


def acknowledged_page(order: Order) -> Page:
    """What is said of an order that is placed, canceled or amended: its ids and nothing else."""
    return {
        "ordId": str(order.id),
        "clOrdId": order.client_order_id,
        "tag": "",
        "ts": str(order.updated_at),
        "sCode": "0",
        "sMsg": "",
    }


def order_page(order: Order, listing: Listing, trades: Sequence[Trade]) -> Page:
    """The order, and the last of its trades."""
    last = trades[-1] if trades else None
    return {
        "instType": "SPOT",
        "instId": inst_id(listing),
        "ordId": str(order.id),
        "clOrdId": order.client_order_id,
        "tag": "",
        "side": str(order.side).lower(),
        "posSide": "net",
        "tdMode": "cash",
        "ordType": _type_of(order),
        "tgtCcy": "base_ccy" if order.type is Type.MARKET else "",
        "px": money.plain(order.price) if order.price else "",
        "sz": money.plain(order.amount),
        "accFillSz": money.plain(order.filled),
        "avgPx": money.plain(money.divide(order.cost, order.filled)) if order.filled else "",
        "state": STATES[order.status],
        "cancelSource": _source_of(order),
        "reduceOnly": "false",
        "attachAlgoOrds": [],
        "cTime": str(order.created_at),
        "uTime": str(order.updated_at),
        **_last_trade(last),
        **_fees(order, listing, trades),
    }


def streamed_page(order: Order, listing: Listing, trades: Sequence[Trade], *, is_new: bool) -> Page:
    """An order in the stream: with its new trade, if there is one."""
    page = order_page(order, listing, trades)
    if not is_new:
        return page | _last_trade(None) | {"fillFee": "0", "fillFeeCcy": "", "execType": ""}
    last = trades[-1]
    return page | {
        "fillFee": charged(last.commission),
        "fillFeeCcy": last.commission_asset,
        "execType": _execution(last),
    }


def trade_page(trade: Trade, listing: Listing, client_order_id: str) -> Page:
    return {
        "instType": "SPOT",
        "instId": inst_id(listing),
        "tradeId": str(trade.id),
        "ordId": str(trade.order_id),
        "clOrdId": client_order_id,
        "billId": str(bill_of(trade)),
        "tag": "",
        "fillPx": money.plain(trade.price),
        "fillSz": money.plain(trade.amount),
        "side": str(trade.side).lower(),
        "posSide": "net",
        "execType": _execution(trade),
        "fee": charged(trade.commission),
        "feeCcy": trade.commission_asset,
        "fillTime": str(trade.at),
        "ts": str(trade.at),
    }


def bill_of(trade: Trade) -> int:
    """A trade's number in the account's bills, which pages of trades go by."""
    return 600_000 + trade.id


def balance_page(account: Account, *, at: int) -> Page:
    details = [_detail(asset, held, at) for asset, held in sorted(account.balances.items())]
    return {"uTime": str(at), "totalEq": "", "adjEq": "", "details": details}


def config_page(account: Account) -> Page:
    rights = ["read_only"]
    rights += ["trade"] if account.can_trade else []
    rights += ["withdraw"] if account.can_withdraw else []
    return {
        "uid": "44705892343619584",
        "acctLv": "1",
        "posMode": "net_mode",
        "perm": ",".join(rights),
        "ip": "10.0.0.1" if account.is_ip_bound else "",
        "label": account.name,
    }


def charged(fee: Decimal) -> str:
    """A fee as the change of the balance: a charge is negative, a rebate positive."""
    return money.plain(-fee) if fee else "0"


def _detail(asset: str, held: Balance, at: int) -> Page:
    return {
        "ccy": asset,
        "eq": money.plain(held.total),
        "cashBal": money.plain(held.total),
        "availBal": money.plain(held.free),
        "availEq": "",
        "frozenBal": money.plain(held.locked),
        "ordFrozen": money.plain(held.locked),
        "uTime": str(at),
    }


def _type_of(order: Order) -> str:
    if order.type is Type.LIMIT_MAKER:
        return "post_only"
    if order.type is Type.LIMIT and order.time_in_force is not TimeInForce.GTC:
        return str(order.time_in_force).lower()
    return str(order.type).lower()


def _source_of(order: Order) -> str:
    """Why an order was canceled, by OKX's numbers."""
    if order.status is Status.CANCELED:
        return _BY_USER
    if order.status is not Status.EXPIRED:
        return ""
    if order.type is Type.LIMIT_MAKER:
        return _WOULD_TAKE
    return _UNFILLED_FOK if order.time_in_force is TimeInForce.FOK else _UNFILLED_IOC


def _last_trade(trade: Trade | None) -> Page:
    if trade is None:
        return {"fillPx": "", "fillSz": "0", "fillTime": "", "tradeId": ""}
    return {
        "fillPx": money.plain(trade.price),
        "fillSz": money.plain(trade.amount),
        "fillTime": str(trade.at),
        "tradeId": str(trade.id),
    }


def _fees(order: Order, listing: Listing, trades: Sequence[Trade]) -> Page:
    """The sum of the order's fees so far, and what the next would be paid in."""
    received = listing.base if order.side is Side.BUY else listing.quote
    currency = trades[-1].commission_asset if trades else received
    paid = money.total(each.commission for each in trades if each.commission_asset == currency)
    return {
        "fee": charged(paid),
        "feeCcy": currency,
        "rebate": money.plain(ZERO),
        "rebateCcy": listing.quote,
    }


def _execution(trade: Trade) -> str:
    return "M" if trade.is_maker else "T"
