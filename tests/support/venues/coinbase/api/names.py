"""How Coinbase names things: products with a dash, orders and trades by UUIDs, times in text."""

from datetime import UTC, datetime, timedelta

from tests.support.venues.engine.listings import Listing

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ORDER = "00000000-0000-4000-8000-{:012x}"
_TRADE = "00000000-0000-4000-9000-{:012x}"


def product_id(listing: Listing) -> str:
    return f"{listing.base}-{listing.quote}"


def symbol_of(product: str) -> str:
    """The engine's name of a product."""
    return product.replace("-", "")


def order_uuid(number: int) -> str:
    return _ORDER.format(number)


def trade_uuid(number: int) -> str:
    return _TRADE.format(number)


def time_text(at: int) -> str:
    """A time in milliseconds as Coinbase writes it, with microseconds."""
    moment = _EPOCH + timedelta(milliseconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def milliseconds(text: str) -> int:
    """The same the other way round."""
    moment = datetime.fromisoformat(text)
    return (moment - _EPOCH) // timedelta(milliseconds=1)
