"""The table of exchanges: a row of ExchangeQuirks for each one that we examined."""

from collections.abc import Mapping
from types import MappingProxyType

from app.exchanges.ccxt.rows.binance import ROW as BINANCE
from app.exchanges.ccxt.rows.bybit import ROW as BYBIT
from app.exchanges.ccxt.rows.coinbase import ROW as COINBASE
from app.exchanges.ccxt.rows.gate import ROW as GATE
from app.exchanges.ccxt.rows.kraken import ROW as KRAKEN
from app.exchanges.ccxt.rows.kucoin import ROW as KUCOIN
from app.exchanges.ccxt.rows.okx import ROW as OKX
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks

_ROWS = (BINANCE, BYBIT, COINBASE, GATE, KRAKEN, KUCOIN, OKX)

QUIRKS: Mapping[str, ExchangeQuirks] = MappingProxyType({row.exchange: row for row in _ROWS})


def quirks_of(exchange: str) -> ExchangeQuirks:
    """The exchange's row; an unexamined exchange gets the careful defaults."""
    return QUIRKS.get(exchange) or ExchangeQuirks(exchange=exchange, is_known=False)


def no_live_words(quirks: ExchangeQuirks) -> str | None:
    """Why the exchange may not trade real money; None if it may."""
    if quirks.is_known:
        return None
    return (
        f"live trading on {quirks.exchange} is not offered: how its orders are placed, found and"
        f" canceled was not looked at; live are {', '.join(sorted(QUIRKS))}. Another is added by"
        " capturing what ccxt sends for it and writing that as a row in"
        " app/exchanges/ccxt/rows"
    )
