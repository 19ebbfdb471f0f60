from decimal import Decimal
from typing import Any

import pytest

from app.domain.order_kinds import PositionType
from app.domain.portfolio.exposures import Exposure
from app.errors import ExchangeDoubt
from tests.support.exchanges.ccxt_servers import hangs_up, says
from tests.support.exchanges.derivatives import DerivativesRig, at_derivatives

BINANCE: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "positionSide": "BOTH",
    "positionAmt": "-0.012",
    "entryPrice": "61234.56789012",
    "breakEvenPrice": "61210.1",
    "markPrice": "60000.00000000",
    "unRealizedProfit": "14.81481468",
    "liquidationPrice": "98765.43210987",
    "isolatedMargin": "0",
    "notional": "-720.00000000",
    "marginAsset": "USDT",
    "isolatedWallet": "0",
    "initialMargin": "36.00000001",
    "maintMargin": "2.88",
    "positionInitialMargin": "36.00000001",
    "openOrderInitialMargin": "0",
    "adl": 2,
    "bidNotional": "0",
    "askNotional": "0",
    "updateTime": 1748779200000,
}
BYBIT: dict[str, Any] = {
    "positionIdx": 0,
    "symbol": "BTCUSDT",
    "side": "Buy",
    "size": "0.123",
    "avgPrice": "61234.56789012",
    "positionValue": "7531.85",
    "tradeMode": 0,
    "positionStatus": "Normal",
    "leverage": "10",
    "markPrice": "60000.1",
    "liqPrice": "",
    "bustPrice": "",
    "positionIM": "753.18500001",
    "positionMM": "37.6",
    "positionBalance": "",
    "unrealisedPnl": "-151.8",
    "curRealisedPnl": "-4.1",
    "seq": 1,
    "createdTime": "1748779200000",
    "updatedTime": "1748779200000",
}
OKX: dict[str, Any] = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "mgnMode": "isolated",
    "posId": "339552508062380036",
    "posSide": "net",
    "pos": "-3.5",
    "posCcy": "",
    "avgPx": "61234.56789012",
    "upl": "40.1",
    "uplRatio": "0.02",
    "lever": "5",
    "liqPx": "70123.456789",
    "markPx": "60000.1",
    "imr": "",
    "margin": "428.64197523",
    "mmr": "8.4",
    "liab": "",
    "liabCcy": "",
    "notionalUsd": "2100.0035",
    "ccy": "USDT",
    "cTime": "1748779200000",
    "uTime": "1748779200000",
}
OKX_MARGIN: dict[str, Any] = {
    **OKX,
    "instType": "MARGIN",
    "instId": "BTC-USDT",
    "pos": "0.25",
    "posCcy": "BTC",
    "liab": "-15000",
    "liabCcy": "USDT",
}
ENTRY = Decimal("61234.56789012")
USDT_SWAP = "BTC/USDT:USDT"


async def test_binance_tells_a_short_in_a_swap() -> None:
    async with at_derivatives("binance") as rig:
        rig.holds(BINANCE)
        assert await rig.exchange.exposures() == [
            Exposure(
                symbol=USDT_SWAP,
                type=PositionType.SWAP,
                amount=Decimal("-0.012"),
                entry_price=ENTRY,
                margin=Decimal("36.00000001"),
                liquidation_price=Decimal("98765.43210987"),
            )
        ]
        assert rig.exchange.capabilities.positions
        assert rig.said() == [{}]
        assert rig.exchange.anomalies == {}


async def test_bybit_tells_longs_of_each_coin_that_swaps_settle_in() -> None:
    async with at_derivatives("bybit") as rig:
        usdc = {**BYBIT, "symbol": "ETHPERP", "size": "2", "avgPrice": "2500.5", "leverage": ""}
        pages = {"USDT": [BYBIT], "USDC": [usdc]}

        async def answer(request: Any) -> Any:
            return await says(rig.place.wrapped(pages[request.query["settleCoin"]]))(request)

        rig.server.on("GET", rig.place.path, answer)
        bitcoin, ether = await rig.exchange.exposures()
        assert bitcoin == Exposure(
            symbol=USDT_SWAP,
            type=PositionType.SWAP,
            amount=Decimal("0.123"),
            entry_price=ENTRY,
            leverage=Decimal(10),
            margin=Decimal("753.18500001"),
        )
        assert (ether.symbol, ether.amount) == ("ETH/USDC:USDC", Decimal(2))
        assert (ether.entry_price, ether.leverage) == (Decimal("2500.5"), None)
        assert [(one["category"], one["settleCoin"]) for one in rig.said()] == [
            ("linear", "USDT"), ("linear", "USDC"),
        ]  # fmt: skip
        assert rig.exchange.capabilities.positions


async def test_okx_tells_contracts_which_are_parts_of_the_base() -> None:
    async with at_derivatives("okx") as rig:
        rig.holds(OKX)
        assert await rig.exchange.exposures() == [
            Exposure(
                symbol=USDT_SWAP,
                type=PositionType.SWAP,
                amount=Decimal("-0.035"),
                entry_price=ENTRY,
                leverage=Decimal(5),
                margin=Decimal("428.64197523"),
                liquidation_price=Decimal("70123.456789"),
            )
        ]
        assert rig.said() == [{}]


async def test_a_margin_position_is_what_was_bought_or_what_is_owed() -> None:
    async with at_derivatives("okx") as rig:
        rig.holds(OKX_MARGIN)
        [bought] = await rig.exchange.exposures()
        assert (bought.symbol, bought.type) == ("BTC/USDT", PositionType.MARGIN)
        assert (bought.amount, bought.entry_price) == (Decimal("0.25"), ENTRY)
        rig.holds(
            {**OKX_MARGIN, "pos": "15000", "posCcy": "USDT", "liab": "-0.26", "liabCcy": "BTC"}
        )
        [owed] = await rig.exchange.exposures()
        assert owed.amount == Decimal("-0.26")


UNKNOWN: dict[str, dict[str, str]] = {
    "inverse": {"instId": "BTC-USD-SWAP", "ccy": "BTC", "pos": "40"},
    "a future": {"instId": "BTC-USDT-250627", "instType": "FUTURES"},
    "no amount": {"pos": ""},
    "no side": {"posSide": ""},
    "owed in quote": {**OKX_MARGIN, "pos": "15000", "posCcy": "USDT"},
    "owed nothing": {**OKX_MARGIN, "posCcy": "USDT", "liab": "", "liabCcy": "BTC"},
}


async def test_what_is_no_known_amount_of_the_base_is_counted_and_hides_no_other() -> None:
    async with at_derivatives("okx") as rig:
        for number, (case, change) in enumerate(UNKNOWN.items(), 1):
            rig.holds({**OKX, **change}, {**OKX, "pos": "1"})
            [other] = await rig.exchange.exposures()
            assert other.amount == Decimal("0.01"), case
            assert rig.exchange.anomalies == {"position_unreadable": number}, case


async def test_what_is_closed_is_no_position() -> None:
    async with at_derivatives("okx") as rig:
        rig.holds({**OKX, "pos": "0"})
        assert await rig.exchange.exposures() == []
        assert rig.exchange.anomalies == {}


async def test_who_is_hedged_has_what_is_left_of_both_sides() -> None:
    async with at_derivatives("okx") as rig:
        long = {**OKX, "posSide": "long", "pos": "5", "margin": "600", "posId": "1"}
        short = {**OKX, "posSide": "short", "pos": "3.5", "posId": "2"}
        rig.holds(long, short)
        [left] = await rig.exchange.exposures()
        assert left == Exposure(
            symbol=USDT_SWAP,
            type=PositionType.SWAP,
            amount=Decimal("0.015"),
            leverage=Decimal(5),
            margin=Decimal("1028.64197523"),
        )
        rig.holds(long, {**short, "pos": "5"})
        assert await rig.exchange.exposures() == []


async def test_pages_are_read_to_the_last_one() -> None:
    async with at_derivatives("bybit") as rig:
        symbols = {"": ("BTCUSDT", "second"), "second": ("ETHPERP", "")}

        async def answer(request: Any) -> Any:
            if request.query["settleCoin"] == "USDC":
                return await says(rig.place.wrapped([]))(request)
            symbol, more = symbols[request.query.get("cursor", "")]
            page = rig.place.wrapped([{**BYBIT, "symbol": symbol}], nextPageCursor=more)
            return await says(page)(request)

        rig.server.on("GET", rig.place.path, answer)
        found = await rig.exchange.exposures()
        assert [one.symbol for one in found] == [USDT_SWAP, "ETH/USDC:USDC"]


async def test_where_no_swaps_are_listed_nobody_is_asked() -> None:
    async with at_derivatives("binance", fetchMarkets={"types": ["spot"]}) as rig:
        rig.holds(BINANCE)
        assert not rig.exchange.capabilities.positions
        assert not await rig.exchange.exposures()
        assert rig.said() == []


async def test_no_answer_is_not_no_position() -> None:
    async with at_derivatives("binance") as rig:
        rig.server.on("GET", rig.place.path, hangs_up)
        with pytest.raises(ExchangeDoubt):
            await rig.exchange.exposures()
        assert rig.exchange.capabilities.positions


REFUSED = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}


async def test_a_key_for_spot_alone_sees_no_positions_and_is_good_for_all_else() -> None:
    async with at_derivatives("binance") as rig:
        rig.server.on("GET", "/fapi/v1/leverageBracket", says(REFUSED, status=401))
        rig.holds(BINANCE)
        before = rig.exchange.connection
        for _ in range(3):
            assert not await rig.exchange.exposures()
        assert rig.exchange.connection == before
        assert not rig.exchange.capabilities.positions
        assert await rig.exchange.balances()
        assert asked_for_brackets(rig) == 1
        assert rig.exchange.anomalies == {"positions_refused": 1}


async def test_a_right_that_was_given_meanwhile_is_found_out() -> None:
    async with at_derivatives("binance") as rig:
        brackets = rig.server.answers["GET", "/fapi/v1/leverageBracket"]
        rig.server.on("GET", "/fapi/v1/leverageBracket", says(REFUSED, status=401))
        rig.holds(BINANCE)
        assert await rig.exchange.exposures() == []
        rig.server.on("GET", "/fapi/v1/leverageBracket", brackets)
        rig.clock.move(3601)
        assert rig.exchange.capabilities.positions
        assert len(await rig.exchange.exposures()) == 1


def asked_for_brackets(rig: DerivativesRig) -> int:
    return len(rig.server.said("GET", "/fapi/v1/leverageBracket"))
