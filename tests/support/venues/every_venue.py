"""Every local exchange, by ccxt's name of it."""

from collections.abc import Callable, Mapping

from app.ports import Clock
from tests.support.venues.binance.venue import Venue as Binance
from tests.support.venues.bybit.venue import Venue as Bybit
from tests.support.venues.coinbase.venue import Venue as Coinbase
from tests.support.venues.gate.venue import Venue as Gate
from tests.support.venues.kraken.venue import Venue as Kraken
from tests.support.venues.kucoin.venue import Venue as Kucoin
from tests.support.venues.okx.venue import Venue as Okx
from tests.support.venues.serving.local_venue import LocalVenue

VENUES: Mapping[str, Callable[[Clock], LocalVenue]] = {
    "binance": Binance,
    "bybit": Bybit,
    "coinbase": Coinbase,
    "gate": Gate,
    "kraken": Kraken,
    "kucoin": Kucoin,
    "okx": Okx,
}
