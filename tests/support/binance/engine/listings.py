"""The fake's markets with their tick, step and filters, as exchangeInfo shows them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.support.binance.engine.digits import text

ORDER_TYPES = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)


@dataclass(frozen=True, kw_only=True)
class Listing:
    base: str
    quote: str
    price: Decimal
    tick: Decimal
    step: Decimal
    least_notional: Decimal
    most_amount: Decimal = Decimal(9000)
    most_price: Decimal = Decimal(1000000)
    multiplier_up: Decimal = Decimal(5)
    multiplier_down: Decimal = Decimal("0.2")
    is_trading: bool = True

    @property
    def symbol(self) -> str:
        return self.base + self.quote


DEFAULT_LISTINGS = (
    Listing(
        base="BTC",
        quote="USDT",
        price=Decimal(50000),
        tick=Decimal("0.01"),
        step=Decimal("0.00001"),
        least_notional=Decimal(5),
    ),
    Listing(
        base="ETH",
        quote="USDT",
        price=Decimal(2500),
        tick=Decimal("0.01"),
        step=Decimal("0.0001"),
        least_notional=Decimal(5),
    ),
    Listing(
        base="ETH",
        quote="BTC",
        price=Decimal("0.05"),
        tick=Decimal("0.00001"),
        step=Decimal("0.001"),
        least_notional=Decimal("0.0001"),
    ),
    Listing(
        base="BNB",
        quote="USDT",
        price=Decimal(600),
        tick=Decimal("0.01"),
        step=Decimal("0.001"),
        least_notional=Decimal(5),
    ),
)


def coins(count: int) -> list[Listing]:
    """This many markets of made-up coins against USDT, cheap enough to hold all of them."""
    return [
        Listing(
            base=f"COIN{number:03}",
            quote="USDT",
            price=Decimal(1 + number % 50),
            tick=Decimal("0.0001"),
            step=Decimal("0.01"),
            least_notional=Decimal(5),
        )
        for number in range(count)
    ]


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
