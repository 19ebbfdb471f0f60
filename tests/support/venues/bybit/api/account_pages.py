"""Balances and permissions in Bybit's JSON."""

from collections.abc import Iterable
from typing import Any

from app.domain import money
from tests.support.venues.engine.accounts import Account, Balance

Page = dict[str, Any]


def balance_page(
    account: Account, *, is_unified: bool, assets: Iterable[str] | None = None
) -> Page:
    names = account.balances if assets is None else assets
    page = _unified_coin if is_unified else _classic_coin
    coins = [page(asset, account.balance(asset)) for asset in names]
    return {"list": [_totals("UNIFIED" if is_unified else "SPOT") | {"coin": coins}]}


def key_page(account: Account, *, is_unified: bool) -> Page:
    wallet = ["AccountTransfer"] + (["Withdraw"] if account.can_withdraw else [])
    return {
        "id": "13770661",
        "note": account.name,
        "apiKey": account.api_key,
        "readOnly": 0,
        "secret": "",
        "permissions": {
            "ContractTrade": [],
            "Spot": ["SpotTrade"] if account.can_trade else [],
            "Wallet": wallet,
            "Options": [],
            "Derivatives": [],
            "CopyTrading": [],
            "BlockTrade": [],
            "Exchange": [],
            "NFT": [],
            "Affiliate": [],
            "Earn": [],
        },
        "ips": ["203.0.113.7"] if account.is_ip_bound else ["*"],
        "type": 1,
        "deadlineDay": 83,
        "expiredAt": "2030-05-15T03:21:05Z",
        "createdAt": "2025-01-16T06:40:48Z",
        "unified": 0,
        "uta": int(is_unified),
        "userID": 24617703,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
    }


def kind_page(*, is_unified: bool, at: int) -> Page:
    return {
        "marginMode": "REGULAR_MARGIN",
        "updatedTime": str(at),
        "unifiedMarginStatus": 5 if is_unified else 1,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def _totals(kind: str) -> Page:
    return {
        "accountType": kind,
        "accountIMRate": "",
        "accountMMRate": "",
        "accountLTV": "",
        "totalEquity": "",
        "totalWalletBalance": "",
        "totalMarginBalance": "",
        "totalAvailableBalance": "",
        "totalPerpUPL": "",
        "totalInitialMargin": "",
        "totalMaintenanceMargin": "",
    }


def _unified_coin(asset: str, held: Balance) -> Page:
    return {
        "coin": asset,
        "equity": money.plain(held.total),
        "usdValue": "",
        "walletBalance": money.plain(held.total),
        "locked": money.plain(held.locked),
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "availableToBorrow": "",
        "availableToWithdraw": "",
        "accruedInterest": "0",
        "totalOrderIM": "0",
        "totalPositionIM": "0",
        "totalPositionMM": "0",
        "unrealisedPnl": "0",
        "cumRealisedPnl": "0",
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
    }


def _classic_coin(asset: str, held: Balance) -> Page:
    return {
        "coin": asset,
        "walletBalance": money.plain(held.total),
        "free": money.plain(held.free),
        "locked": money.plain(held.locked),
    }
