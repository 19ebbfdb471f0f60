"""Orders, trades, balances and keys in KuCoin's JSON. A fee that is charged is positive."""

from collections.abc import Sequence
from typing import Any

from app.domain import money
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import (
    Change,
    Execution,
    Order,
    Side,
    Status,
    TimeInForce,
    Trade,
    Type,
)
from tests.support.venues.kucoin.api.market_pages import Page, symbol_of

# An order's id, of which the latter half is the engine's number.
_PREFIX = "67174228"
_STREAMED = {
    Execution.NEW: ("open", "open"),
    Execution.TRADE: ("match", "match"),
    Execution.CANCELED: ("canceled", "done"),
    Execution.EXPIRED: ("canceled", "done"),
}


def order_id(number: int) -> str:
    return f"{_PREFIX}{number:016x}"


def order_row(order: Order) -> int:
    """An order's number in the list of closed orders, which is not in its page."""
    return 19_814_990_000_000 + order.id


def trade_row(trade: Trade) -> int:
    """A trade's number in the list of trades, which is not its id."""
    return 19_814_990_000_000 + trade.id


def order_page(order: Order, listing: Listing, trades: Sequence[Trade]) -> Page:
    is_open, is_market = order.status.is_open, order.type is Type.MARKET
    left = money.plain(order.remaining)
    return {
        "id": order_id(order.id),
        "clientOid": order.client_order_id,
        "symbol": symbol_of(listing),
        "opType": "DEAL",
        "type": "market" if is_market else "limit",
        "side": str(order.side).lower(),
        "price": money.plain(order.price),
        "size": money.plain(order.amount),
        "funds": money.plain(money.multiply(order.price, order.amount)),
        "dealSize": money.plain(order.filled),
        "dealFunds": money.plain(order.cost),
        "remainSize": left if is_open else "0",
        "remainFunds": money.plain(money.multiply(order.price, order.remaining)),
        "cancelledSize": "0" if is_open else left,
        "cancelledFunds": "0",
        **_fees(listing, trades),
        "stp": None,
        "timeInForce": _time_in_force(order),
        "postOnly": order.type is Type.LIMIT_MAKER,
        "hidden": False,
        "iceberg": False,
        "visibleSize": "0",
        "cancelAfter": 0,
        "channel": "API",
        "remark": None,
        "tags": None,
        "cancelExist": order.status in {Status.CANCELED, Status.EXPIRED},
        "tradeType": "TRADE",
        "inOrderBook": is_open,
        "active": is_open,
        "tax": "0",
        "createdAt": order.created_at,
        "lastUpdatedAt": order.updated_at,
    }


def trade_page(trade: Trade, listing: Listing, order: Order) -> Page:
    return {
        "id": trade_row(trade),
        "orderId": order_id(order.id),
        "counterOrderId": "6717422b" + "0" * 16,
        "tradeId": str(trade.id),
        "symbol": symbol_of(listing),
        "side": str(trade.side).lower(),
        "liquidity": _liquidity(trade),
        "type": "market" if order.type is Type.MARKET else "limit",
        "forceTaker": False,
        "price": money.plain(trade.price),
        "size": money.plain(trade.amount),
        "funds": money.plain(trade.cost),
        "fee": money.plain(trade.commission),
        "feeRate": "0.001",
        "feeCurrency": trade.commission_asset,
        "stop": "",
        "tradeType": "TRADE",
        "taxRate": "0",
        "tax": "0",
        "createdAt": trade.at,
    }


def streamed_page(change: Change, listing: Listing) -> Page | None:
    """A change in the stream; an order that never waits in the book is not told as open."""
    order, trade = change.order, change.trade
    never_waits = order.type is Type.MARKET or order.time_in_force is not TimeInForce.GTC
    if change.execution is Execution.NEW and never_waits:
        return None
    kind, status = _STREAMED[change.execution]
    page = _streamed(order, listing) | {"type": kind, "status": status}
    if trade is None:
        return page
    return page | {
        "liquidity": _liquidity(trade),
        "feeType": f"{_liquidity(trade)}Fee",
        "matchPrice": money.plain(trade.price),
        "matchSize": money.plain(trade.amount),
        "tradeId": str(trade.id),
    }


def filled_page(order: Order, listing: Listing) -> Page:
    """The end of an order that was filled, which follows its last trade."""
    return _streamed(order, listing) | {"type": "filled", "status": "done"}


def balance_pages(account: Account) -> list[Page]:
    return [
        {
            "id": f"54867{number:07}",
            "currency": asset,
            "type": "trade_hf",
            "balance": money.plain(held.total),
            "available": money.plain(held.free),
            "holds": money.plain(held.locked),
        }
        for number, (asset, held) in enumerate(sorted(account.balances.items()))
    ]


def key_page(account: Account) -> Page:
    rights = ["General"]
    rights += ["Spot"] if account.can_trade else []
    rights += ["Withdrawal"] if account.can_withdraw else []
    bound: dict[str, Any] = {"ipWhitelist": "10.0.0.1"} if account.is_ip_bound else {}
    return {
        "remark": account.name,
        "apiKey": account.api_key,
        "apiVersion": 3,
        "permission": ",".join(rights),
        **bound,
        "createdAt": 1729176273859,
        "uid": 165111215,
        "isMaster": True,
    }


def _streamed(order: Order, listing: Listing) -> Page:
    return {
        "symbol": symbol_of(listing),
        "orderType": "market" if order.type is Type.MARKET else "limit",
        "side": str(order.side).lower(),
        "orderId": order_id(order.id),
        "orderTime": order.created_at,
        "size": money.plain(order.amount),
        "filledSize": money.plain(order.filled),
        "price": money.plain(order.price),
        "clientOid": order.client_order_id,
        "remainSize": money.plain(order.remaining) if order.status.is_open else "0",
        "ts": order.updated_at * 1_000_000,
    }


def _fees(listing: Listing, trades: Sequence[Trade]) -> Page:
    """The sum of the order's fees, and what they are paid in."""
    currency = trades[-1].commission_asset if trades else listing.quote
    paid = money.total(each.commission for each in trades if each.commission_asset == currency)
    return {"fee": money.plain(paid), "feeCurrency": currency}


def _time_in_force(order: Order) -> str:
    return str(order.time_in_force) if order.type is not Type.MARKET else "GTC"


def _liquidity(trade: Trade) -> str:
    return "maker" if trade.is_maker else "taker"


def side_of(word: str) -> Side | None:
    return {"buy": Side.BUY, "sell": Side.SELL}.get(word)
