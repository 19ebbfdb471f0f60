"""Orders, trades and balances in Binance's JSON."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.digits import ZERO, text
from tests.support.venues.engine.orders import Change, Order, Trade

Page = dict[str, Any]


def order_page(order: Order) -> Page:
    """The answer to a lookup."""
    page = _terms(order) | {
        "icebergQty": text(ZERO),
        "time": order.created_at,
        "updateTime": order.updated_at,
        "isWorking": order.is_working,
        "origQuoteOrderQty": text(order.quote_amount),
    }
    return page | _rare(order)


def placed_page(order: Order, trades: Iterable[Trade], *, kind: str) -> Page:
    """The answer to a POST, of kind ACK, RESULT or FULL."""
    if kind == "ACK":
        names = ("symbol", "orderId", "orderListId", "clientOrderId")
        terms = _terms(order)
        return {name: terms[name] for name in names} | {"transactTime": order.created_at}
    page = _terms(order) | _rare(order)
    page |= {"transactTime": order.updated_at, "origQuoteOrderQty": text(order.quote_amount)}
    return page if kind == "RESULT" else page | {"fills": [_fill(trade) for trade in trades]}


def canceled_page(order: Order, request_id: str) -> Page:
    page = _terms(order) | {"transactTime": order.updated_at}
    return page | {"origClientOrderId": order.client_order_id, "clientOrderId": request_id}


def trade_page(trade: Trade) -> Page:
    return {
        "symbol": trade.symbol,
        "id": trade.id,
        "orderId": trade.order_id,
        "orderListId": -1,
        "price": text(trade.price),
        "qty": text(trade.amount),
        "quoteQty": text(trade.cost),
        "commission": text(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.at,
        "isBuyer": trade.side == "BUY",
        "isMaker": trade.is_maker,
        "isBestMatch": True,
    }


def account_page(account: Account, *, at: int, omit_zero: bool) -> Page:
    balances = account.balances.items()
    return {
        "makerCommission": int(account.maker_fee * 10000),
        "takerCommission": int(account.taker_fee * 10000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": text(account.maker_fee),
            "taker": text(account.taker_fee),
            "buyer": text(ZERO),
            "seller": text(ZERO),
        },
        "canTrade": account.can_trade,
        "canWithdraw": account.can_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": at,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": text(held.free), "locked": text(held.locked)}
            for asset, held in balances
            if held.total or not omit_zero
        ],
        "permissions": ["SPOT"],
        "uid": 1,
    }


def restrictions_page(account: Account, *, at: int) -> Page:
    return {
        "ipRestrict": account.is_ip_bound,
        "createTime": at,
        "enableReading": True,
        "enableWithdrawals": account.can_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": account.can_trade,
        "enablePortfolioMarginTrading": False,
    }


def execution_report(change: Change, *, at: int) -> Page:
    order, trade = change.order, change.trade
    is_request = change.request_id is not None
    page: Page = {"W": order.created_at} if order.is_working else {}
    return page | {
        "e": "executionReport",
        "E": at,
        "s": order.symbol,
        "c": change.request_id if is_request else order.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": text(order.amount),
        "p": text(order.price),
        "P": text(order.stop_price),
        "F": text(ZERO),
        "g": -1,
        "C": order.client_order_id if is_request else "",
        "x": change.execution,
        "X": order.status,
        "r": "NONE",
        "i": order.id,
        "l": text(trade.amount if trade else ZERO),
        "z": text(order.filled),
        "L": text(trade.price if trade else ZERO),
        "n": text(trade.commission) if trade else "0",
        "N": trade.commission_asset if trade else None,
        "T": order.updated_at,
        "t": trade.id if trade else -1,
        "w": order.is_working and order.status.is_open,
        "m": trade.is_maker if trade else False,
        "M": trade is not None,
        "O": order.created_at,
        "Z": text(order.cost),
        "Y": text(trade.cost if trade else ZERO),
        "Q": text(order.quote_amount),
        "V": "EXPIRE_MAKER",
    }


def balance_report(asset: str, change: Decimal, *, at: int) -> Page:
    return {"e": "balanceUpdate", "E": at, "a": asset, "d": text(change), "T": at}


def position_report(account: Account, assets: Iterable[str], *, at: int) -> Page:
    balances = [(asset, account.balance(asset)) for asset in assets]
    return {
        "e": "outboundAccountPosition",
        "E": at,
        "u": at,
        "B": [
            {"a": asset, "f": text(held.free), "l": text(held.locked)} for asset, held in balances
        ],
    }


def _terms(order: Order) -> Page:
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "price": text(order.price),
        "origQty": text(order.amount),
        "executedQty": text(order.filled),
        "cummulativeQuoteQty": text(order.cost),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def _rare(order: Order) -> Page:
    page: Page = {"workingTime": order.created_at if order.is_working else -1}
    if order.type.has_stop:
        page["stopPrice"] = text(order.stop_price)
    return page


def _fill(trade: Trade) -> Page:
    return {
        "price": text(trade.price),
        "qty": text(trade.amount),
        "commission": text(trade.commission),
        "commissionAsset": trade.commission_asset,
        "tradeId": trade.id,
    }
