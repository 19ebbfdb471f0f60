"""What a real account holds, be it traded here, traded elsewhere, paid in, or left over."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.api.orders.test_reconcile import reconcile
from tests.api.portfolio.test_portfolios import portfolio
from tests.api.portfolio.test_positions import positions
from tests.api.real.real_trading import Site, Trading, traded
from tests.support.api.clients import Data
from tests.support.api.trading import WAITING, place
from tests.support.clock import ManualClock
from tests.support.venues.binance.running import running_venue
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.listings import Listing

ETH = "ETH/USDT"
# Traded for nothing but ether.
PEPE = Listing(
    base="PEPE",
    quote="ETH",
    price=Decimal("0.00002"),
    tick=Decimal("0.00000001"),
    step=Decimal(1),
    least_notional=Decimal("0.0001"),
)
# Dust of BNB, and something that is not traded at all.
PAID_IN = {"BTC": "0.5", "BNB": "0.0004", "NOPE": "7", "PEPE": "1000000"}
TELLING = ("amount", "entryPrice", "notional", "unrealizedPnl", "realizedPnl")
ORDERS = "{ orders { nodes { clientOrderId status } } }"


Notes = set[tuple[str, str]]


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    async with running_venue(clock) as venue:
        venue.list_market(PEPE)
        yield Site(venue=venue, database_url=sqlite_url, folder=tmp_path, clock=clock)


@pytest.fixture
def account(site: Site) -> Account:
    return site.venue.open_account("main", USDT=100_000)


async def held(trading: Trading) -> tuple[dict[str, Data], Notes]:
    """Every position by its symbol, and what is said beside them."""
    told = await positions(trading.client)
    return {one["symbol"]: one for one in told["nodes"]}, notes(told)


async def valued(trading: Trading) -> tuple[dict[str, str | None], Notes]:
    """What each asset is worth and all of them together, and what is said beside that."""
    told = await portfolio(trading.client)
    values = {one["asset"]: one["value"] for one in told["balances"]}
    return {**values, "all": told["equity"]}, notes(told)


def notes(told: Data) -> Notes:
    found = {(one["subject"], one["code"]) for one in told["problems"]}
    assert len(found) == len(told["problems"])
    return found


async def test_whatever_the_account_holds_is_told_with_what_is_known_of_it(
    site: Site, account: Account
) -> None:
    async with traded(site, account) as trading:
        await trading.until_in_step()
        await place(trading.client, symbol=ETH, amount="1")
        site.venue.move("ETHUSDT", 2600)
        elsewhere = site.venue.place_elsewhere(account, "ETHUSDT", "BUY", "1")
        for asset, amount in PAID_IN.items():
            site.venue.deposit(account, asset, amount)
        assert len((await reconcile(trading.client, "main"))["imported"]) == 1
        await trading.clock.advance(1)
        found, said = await held(trading)
        assert set(found) == {ETH, "BTC/USDT", "PEPE/ETH"}
        assert [found[ETH][name] for name in ("amount", "entryPrice")] == ["1.998", "2550"]
        assert Decimal(found[ETH]["realizedPnl"]) == Decimal("-0.001") * (2500 + 2600)
        assert found[ETH]["unrealizedPnl"] == "99.9"
        assert found[ETH]["orders"]["nodes"][0]["clientOrderId"] == elsewhere.client_order_id
        assert [found["BTC/USDT"][name] for name in TELLING] == ["0.5", None, "25000", None, "0"]
        assert [found["PEPE/ETH"][name] for name in TELLING] == ["1000000", None, "20", None, "0"]
        outside = {("BTC/USDT", "FROM_OUTSIDE"), ("PEPE/ETH", "FROM_OUTSIDE")}
        assert said == outside | {("NOPE", "UNKNOWN_SYMBOL")}
        values, said = await valued(trading)
        assert values == {
            "USDT": "94900", "PEPE": "52000", "BTC": "25000", "ETH": "5194.8", "BNB": "0.24",
            "NOPE": None, "all": "177095.04",
        }  # fmt: skip
        assert said == outside | {("NOPE", "UNKNOWN_SYMBOL")}


async def test_a_market_that_is_gone_takes_nothing_else_with_it(
    site: Site, account: Account
) -> None:
    async with traded(site, account) as trading:
        await trading.until_in_step()
        await place(trading.client, symbol=ETH, amount="1", clientOrderId="filled")
        await place(trading.client, WAITING, symbol=ETH, clientOrderId="waiting")
        await valued(trading)
        trading.venue.user_streams.sockets.fall_silent()
        site.venue.delist_market("ETHUSDT")
        # Its client still knows what the exchange does not.
        await assert_told(trading, said={(ETH, "STALE_PRICE")}, mark="2500")
    async with traded(site, account) as trading:
        await trading.until_in_step()
        await assert_told(trading, said={(ETH, "EXCHANGE_UNAVAILABLE")}, mark=None)
        values, _ = await valued(trading)
        # There is another market of it.
        assert (values["ETH"], values["all"]) == ("2497.5", "99997.5")


async def assert_told(trading: Trading, *, said: Notes, mark: str | None) -> None:
    """What was there is told; what became of the order that waited can be asked of nobody."""
    before = (await trading.main())["lastReconciledAt"]
    await trading.clock.advance(1)
    told = await reconcile(trading.client, "main")
    assert notes(told) == {("waiting", "EXCHANGE_UNAVAILABLE")}
    assert told["account"]["lastReconciledAt"] > before
    found, beside = await held(trading)
    assert (set(found), beside) == ({ETH}, said)
    telling = ("amount", "entryPrice", "markPrice")
    assert [found[ETH][name] for name in telling] == ["0.999", "2500", mark]
    _, beside = await valued(trading)
    assert said <= beside
    orders = (await trading.client.ask(ORDERS))["orders"]["nodes"]
    assert {(one["clientOrderId"], one["status"]) for one in orders} == {
        ("filled", "FILLED"), ("waiting", "OPEN"),
    }  # fmt: skip
    await trading.until_in_step()


async def test_a_market_that_rests_is_valued_over_another(site: Site, account: Account) -> None:
    eth = site.venue.books.listings["ETHUSDT"]
    site.venue.books.listings["ETHUSDT"] = replace(eth, is_trading=False)
    site.venue.move("ETHBTC", "0.04")
    site.venue.deposit(account, "ETH", 1)
    async with traded(site, account) as trading:
        await trading.until_in_step()
        found, said = await held(trading)
        assert (set(found), said) == ({ETH}, {(ETH, "FROM_OUTSIDE")})
        values, _ = await valued(trading)
        assert values == {"USDT": "100000", "ETH": "2000", "all": "102000"}
