"""What anybody may ask: markets, prices, candles, time."""

from dataclasses import replace
from decimal import Decimal

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.binance.venue import Venue
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.listings import DEFAULT_LISTINGS
from tests.support.venues.engine.tape import Quote
from tests.support.venues.serving.requests import RequestKind
from tests.venues.binance.conftest import Connect


async def test_markets_arrive_with_their_steps_and_limits(client: ccxt.pro.binance) -> None:
    market = client.market("BTC/USDT")
    assert set(client.markets) == {"BTC/USDT", "ETH/USDT", "ETH/BTC", "BNB/USDT"}
    assert market["precision"]["amount"] == "0.00001000"
    assert market["precision"]["price"] == "0.01000000"
    assert market["limits"]["cost"]["min"] == "5.00000000"
    assert market["active"] is True


async def test_a_market_may_be_closed(connect: Connect, venue: Venue, account: Account) -> None:
    venue.list_market(replace(DEFAULT_LISTINGS[0], is_trading=False))
    client = await connect(account)
    assert client.market("BTC/USDT")["active"] is False
    with pytest.raises(ccxt.MarketClosed, match="Market is closed"):
        await client.create_order("BTC/USDT", "market", "buy", "0.1")


async def test_markets_load_with_nothing_trimmed(connect: Connect, account: Account) -> None:
    types = {"types": ["spot", "linear", "inverse"]}
    options = {"fetchMarkets": types, "fetchCurrencies": True, "fetchMargins": True}
    client = await connect(account, options=options)
    assert "BTC/USDT" in client.markets
    assert client.currencies["BTC"]["name"] == "BTC"


async def test_markets_need_no_key(connect: Connect, venue: Venue) -> None:
    client = await connect(None)
    assert "ETH/BTC" in client.markets
    assert venue.journal.of(RequestKind.EXCHANGE_INFO)[-1].api_key is None


async def test_a_ticker_is_exact(client: ccxt.pro.binance, venue: Venue) -> None:
    venue.move("BTCUSDT", "51234.56", amount="0.5")
    ticker = await client.fetch_ticker("BTC/USDT")
    assert (ticker["bid"], ticker["ask"]) == ("51234.55000000", "51234.56000000")
    assert (ticker["open"], ticker["high"]) == ("50000.00000000", "51234.56000000")
    assert ticker["baseVolume"] == "1.50000000"


async def test_tickers_come_for_some_or_for_all(client: ccxt.pro.binance) -> None:
    some = await client.fetch_tickers(["BTC/USDT", "ETH/BTC"])
    every = await client.fetch_tickers()
    best = await client.fetch_bids_asks(["ETH/USDT"])
    assert set(some) == {"BTC/USDT", "ETH/BTC"}
    assert set(every) == set(client.markets)
    assert best["ETH/USDT"]["ask"] == "2500.00000000"


async def test_the_day_forgets_what_is_older(
    client: ccxt.pro.binance, venue: Venue, clock: ManualClock
) -> None:
    venue.move("BTCUSDT", 60_000)
    await clock.advance(25 * 60 * 60)
    venue.move("BTCUSDT", 55_000)
    ticker = await client.fetch_ticker("BTC/USDT")
    assert (ticker["high"], ticker["open"]) == ("55000.00000000", "55000.00000000")


async def test_candles_sum_up_what_was_paid(
    client: ccxt.pro.binance, venue: Venue, clock: ManualClock
) -> None:
    start = venue.now()
    venue.move("BTCUSDT", 49_000)
    await clock.advance(60)
    venue.move("BTCUSDT", 52_000)
    first, second = await client.fetch_ohlcv("BTC/USDT", "1m")
    assert [Decimal(value) for value in first] == [start, 50_000, 50_000, 49_000, 49_000, 2]
    assert [Decimal(value) for value in second[1:]] == [52_000, 52_000, 52_000, 52_000, 1]
    assert await client.fetch_ohlcv("BTC/USDT", "1m", start + 1, 1) == [second]


async def test_a_quiet_minute_has_a_flat_candle(
    client: ccxt.pro.binance, venue: Venue, clock: ManualClock
) -> None:
    await clock.advance(60)
    venue.move("BTCUSDT", 52_000, amount=3)
    await clock.advance(120)
    candles = await client.fetch_ohlcv("BTC/USDT", "1m")
    closes = [[Decimal(value) for value in candle[4:]] for candle in candles]
    assert closes == [[50_000, 1], [52_000, 3], [52_000, 0], [52_000, 0]]


async def test_a_day_without_a_trade_keeps_the_last_price(
    client: ccxt.pro.binance, clock: ManualClock
) -> None:
    await clock.advance(25 * 60 * 60)
    ticker = await client.fetch_ticker("BTC/USDT")
    assert (ticker["last"], ticker["baseVolume"]) == ("50000.00000000", "0.00000000")
    assert ticker["info"]["firstId"] == -1


async def test_a_book_shows_bids_and_asks(client: ccxt.pro.binance, venue: Venue) -> None:
    quote = Quote(bid=Decimal(49_990), ask=Decimal(50_010), bid_amount=Decimal(2))
    venue.quote("BTCUSDT", quote, last=50_000)
    book = await client.fetch_order_book("BTC/USDT", 5)
    assert book["bids"][0] == [49_990, 2]
    assert book["asks"][1][0] == pytest.approx(50_010.01)


async def test_time_is_the_clocks(client: ccxt.pro.binance, clock: ManualClock) -> None:
    await clock.advance(90)
    assert await client.fetch_time() == clock.now().timestamp() * 1000


async def test_an_unknown_market_is_a_bad_symbol(client: ccxt.pro.binance) -> None:
    with pytest.raises(ccxt.BadSymbol, match="-1121"):
        await client.publicGetTicker24hr({"symbol": "XXXYYY"})


async def test_an_unknown_path_is_not_found(client: ccxt.pro.binance) -> None:
    with pytest.raises(ccxt.ExchangeNotAvailable, match="404"):
        await client.publicGetAvgPrice({"symbol": "BTCUSDT"})
