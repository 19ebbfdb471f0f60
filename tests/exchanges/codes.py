"""What each exchange's own codes prove of an order, by ccxt's name of the exchange."""

from collections.abc import Mapping

from tests.exchanges.binance.codes import CODES as BINANCE
from tests.exchanges.bybit.codes import CODES as BYBIT
from tests.exchanges.coinbase.codes import CODES as COINBASE
from tests.exchanges.gate.codes import CODES as GATE
from tests.exchanges.kraken.codes import CODES as KRAKEN
from tests.exchanges.kucoin.codes import CODES as KUCOIN
from tests.exchanges.okx.codes import CODES as OKX
from tests.support.exchanges.fault_codes import Codes

CODES: Mapping[str, Codes] = {
    "binance": BINANCE,
    "bybit": BYBIT,
    "coinbase": COINBASE,
    "gate": GATE,
    "kraken": KRAKEN,
    "kucoin": KUCOIN,
    "okx": OKX,
}
