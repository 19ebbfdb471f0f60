"""Markets with their filters, as exchangeInfo shows them."""

from decimal import Decimal
from typing import Any

from tests.support.venues.engine.digits import text
from tests.support.venues.engine.listings import Listing

ORDER_TYPES = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)


def symbol_page(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.symbol,
        "status": "TRADING" if listing.is_trading else "BREAK",
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(listing),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _filters(listing: Listing) -> list[dict[str, Any]]:
    tick, step = text(listing.tick), text(listing.step)
    most = text(listing.most_amount)
    up, down = str(listing.multiplier_up), str(listing.multiplier_down)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": tick,
            "maxPrice": text(listing.most_price),
            "tickSize": tick,
        },
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": most, "stepSize": step},
        {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": most, "stepSize": step},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": up,
            "bidMultiplierDown": down,
            "askMultiplierUp": up,
            "askMultiplierDown": down,
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text(listing.least_notional),
            "applyMinToMarket": True,
            "maxNotional": text(Decimal(9000000)),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
    ]
