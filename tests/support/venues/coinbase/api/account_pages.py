"""Balances, fees and permissions in Coinbase's JSON."""

from collections.abc import Callable, Mapping
from typing import Any

from app.domain import money
from tests.support.venues.engine.accounts import Account
from tests.support.venues.serving.requests import RequestKind

Page = dict[str, Any]

PORTFOLIO = "b0313b63-a2a1-4d30-a506-936337b52978"
_UUID = "8bfc20d7-f7c6-4422-bf07-{:012x}"
_FIAT = {"USD", "EUR", "GBP"}


def _balances(account: Account) -> Page:
    rows = [_balance(account, number, asset) for number, asset in enumerate(account.balances)]
    return {"accounts": rows, "has_next": False, "cursor": "", "size": len(rows)}


def _balance(account: Account, number: int, asset: str) -> Page:
    held = account.balance(asset)
    return {
        "uuid": _UUID.format(number),
        "name": f"{asset} Wallet",
        "currency": asset,
        "available_balance": {"value": money.plain(held.free), "currency": asset},
        "default": True,
        "active": True,
        "created_at": "2023-01-11T00:52:37.557Z",
        "updated_at": "2023-01-11T00:52:37.557Z",
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_FIAT" if asset in _FIAT else "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": money.plain(held.locked), "currency": asset},
        "retail_portfolio_id": PORTFOLIO,
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }


def _permissions(account: Account) -> Page:
    return {
        "can_view": True,
        "can_trade": account.can_trade,
        "can_transfer": account.can_withdraw,
        "portfolio_uuid": PORTFOLIO,
        "portfolio_type": "DEFAULT",
    }


def _summary(account: Account) -> Page:
    return {
        "total_volume": 0,
        "total_fees": 0,
        "fee_tier": {
            "pricing_tier": "Advanced 1",
            "usd_from": "0",
            "usd_to": "1000",
            "taker_fee_rate": money.plain(account.taker_fee),
            "maker_fee_rate": money.plain(account.maker_fee),
        },
        "margin_rate": None,
        "goods_and_services_tax": None,
    }


ACCOUNT_ANSWERS: Mapping[RequestKind, Callable[[Account], Page]] = {
    RequestKind.ACCOUNT: _balances,
    RequestKind.ACCOUNT_KIND: _summary,
    RequestKind.RESTRICTIONS: _permissions,
}
