"""Orders and executions in Bybit's JSON, the same for requests and streams."""

from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.engine.digits import ZERO, truncated
from tests.support.venues.engine.orders import Order, Side, Status, TimeInForce, Trade, Type

Page = dict[str, Any]

_STATUSES = {
    Status.NEW: "New",
    Status.PARTIALLY_FILLED: "PartiallyFilled",
    Status.FILLED: "Filled",
}


def order_page(order: Order) -> Page:
    price = money.plain(order.price) if order.type.has_price else "0"
    return {
        "orderId": str(order.id),
        "orderLinkId": order.client_order_id,
        "blockTradeId": "",
        "symbol": order.symbol,
        "price": price,
        "qty": money.plain(order.quote_amount or order.amount),
        "side": _side(order.side),
        "isLeverage": "0",
        "positionIdx": 0,
        "orderStatus": _status(order),
        "cancelType": "CancelByUser" if order.status is Status.CANCELED else "UNKNOWN",
        "rejectReason": _reason(order),
        "avgPrice": _average(order),
        "leavesQty": money.plain(order.remaining if order.status.is_open else ZERO),
        "leavesValue": money.plain(order.locked if order.status.is_open else ZERO),
        "cumExecQty": money.plain(order.filled),
        "cumExecValue": money.plain(order.cost),
        "cumExecFee": "",
        "timeInForce": _time_in_force(order),
        "orderType": _kind(order),
        "stopOrderType": "",
        "orderIv": "",
        "triggerPrice": "0",
        "takeProfit": "",
        "stopLoss": "",
        "triggerBy": "",
        "triggerDirection": 0,
        "lastPriceOnCreated": "",
        "reduceOnly": False,
        "closeOnTrigger": False,
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "placeType": "",
        "marketUnit": _unit(order),
        "createdTime": str(order.created_at),
        "updatedTime": str(order.updated_at),
    }


def execution_page(trade: Trade, order: Order) -> Page:
    rate = money.divide(trade.commission, trade.cost) if trade.cost else ZERO
    return {
        "symbol": trade.symbol,
        "orderId": str(trade.order_id),
        "orderLinkId": order.client_order_id,
        "side": _side(trade.side),
        "orderPrice": money.plain(order.price),
        "orderQty": money.plain(order.quote_amount or order.amount),
        "leavesQty": money.plain(order.remaining),
        "createType": "CreateByUser",
        "orderType": _kind(order),
        "stopOrderType": "",
        # A positive fee was paid, a negative one received. What it was paid in is a field that ccxt
        # does not read.
        "execFee": money.plain(trade.commission),
        "feeCurrency": trade.commission_asset,
        "feeRate": money.plain(truncated(rate)),
        "execId": str(trade.id),
        "execPrice": money.plain(trade.price),
        "execQty": money.plain(trade.amount),
        "execType": "Trade",
        "execValue": money.plain(trade.cost),
        "execTime": str(trade.at),
        "isMaker": trade.is_maker,
        "isLeverage": "0",
        "tradeIv": "",
        "markIv": "",
        "markPrice": "",
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": "",
        "seq": trade.id,
    }


def _status(order: Order) -> str:
    if order.status is Status.EXPIRED and order.type is Type.LIMIT_MAKER:
        return "Rejected"
    known = _STATUSES.get(order.status)
    return known or ("PartiallyFilledCanceled" if order.filled else "Cancelled")


def _reason(order: Order) -> str:
    if order.status is Status.CANCELED:
        return "EC_PerCancelRequest"
    if order.status is not Status.EXPIRED:
        return "EC_NoError"
    if order.type is Type.LIMIT_MAKER:
        return "EC_PostOnlyWillTakeLiquidity"
    if order.time_in_force is TimeInForce.FOK:
        return "EC_CancelForNoFullFill"
    return "EC_NoImmediateQtyToFill"


def _time_in_force(order: Order) -> str:
    return "PostOnly" if order.type is Type.LIMIT_MAKER else order.time_in_force.value


def _kind(order: Order) -> str:
    return "Limit" if order.type.has_price else "Market"


def _side(side: Side) -> str:
    return "Buy" if side is Side.BUY else "Sell"


def _unit(order: Order) -> str:
    if order.type.has_price:
        return ""
    return "quoteCoin" if order.quote_amount else "baseCoin"


def _average(order: Order) -> str:
    if not order.filled:
        return ""
    average: Decimal = money.divide(order.cost, order.filled)
    return money.plain(truncated(average))
