"""Kraken's own names of assets, markets, orders and trades."""

from tests.support.venues.engine.listings import Listing

_ALTNAMES = {"BTC": "XBT"}
# The old assets have a letter before their name.
_IDS = {"BTC": "XXBT", "ETH": "XETH"}


def asset_id(asset: str) -> str:
    return _IDS.get(asset, asset)


def altname(asset: str) -> str:
    return _ALTNAMES.get(asset, asset)


def pair_altname(listing: Listing) -> str:
    return altname(listing.base) + altname(listing.quote)


def pair_id(listing: Listing) -> str:
    """Two old assets make an old market, whose id has both of their letters."""
    if listing.base in _IDS and listing.quote in _IDS:
        return asset_id(listing.base) + asset_id(listing.quote)
    return pair_altname(listing)


def wsname(listing: Listing) -> str:
    return f"{altname(listing.base)}/{altname(listing.quote)}"


def stream_symbol(listing: Listing) -> str:
    """The name in WebSocket version 2."""
    return f"{listing.base}/{listing.quote}"


def order_txid(id_: int) -> str:
    return f"OLOCAL-{id_ // 1_000_000:05d}-{id_ % 1_000_000:06d}"


def trade_txid(id_: int) -> str:
    return f"TLOCAL-{id_ // 1_000_000:05d}-{id_ % 1_000_000:06d}"


def order_number(txid: str) -> int | None:
    """The engine's id of an order; None if the text is none of ours."""
    return _number(txid, "OLOCAL")


def trade_number(txid: str) -> int | None:
    return _number(txid, "TLOCAL")


def _number(txid: str, kind: str) -> int | None:
    start, _, rest = txid.partition("-")
    digits = rest.replace("-", "")
    return int(digits) if start == kind and digits.isdigit() else None
