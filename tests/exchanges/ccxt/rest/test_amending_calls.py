from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.reports import OrderDetails
from app.domain.orders.terms import AmendableTerms
from app.exchanges.ccxt.connection.calls import amending
from app.exchanges.ccxt.connection.capabilities import capabilities_of
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.support.exchanges.request_recorders import recorded, sent_for

WIRE = "a00000000000000001"
ROW = {"id": "28", "symbol": "BTC/USDT", "type": "limit", "side": "buy"}
DETAILS = OrderDetails(
    client_order_id=WIRE,
    symbol="BTC/USDT",
    side=OrderSide.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    reduce_only=False,
    created_at=datetime(2025, 6, 1, 12, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("exchange", "path", "wanted"),
    [
        ("bybit", "/v5/order/amend", {"orderId": "28", "qty": "0.2", "price": "50001"}),
        ("okx", "/api/v5/trade/amend-order", {"ordId": "28", "newSz": "0.2", "newPx": "50001"}),
        (
            "kraken",
            "/0/private/AmendOrder",
            {"txid": "28", "order_qty": "0.2", "limit_price": "50001"},
        ),
    ],
)
async def test_where_an_order_is_amended_in_place_no_other_is_created(
    exchange: str, path: str, wanted: dict[str, str]
) -> None:
    terms = AmendableTerms(amount=Decimal("0.20"), price=Decimal(50001), trigger_price=None)
    (sent,) = await sent_for(exchange, amending(ROW, DETAILS, terms, QUIRKS[exchange]))
    assert QUIRKS[exchange].amends_in_place
    assert sent.path == path
    assert wanted.items() <= sent.fields.items()


async def test_on_binance_an_edit_cancels_and_creates_and_is_not_in_place() -> None:
    terms = AmendableTerms(amount=Decimal("0.2"), price=Decimal(50001), trigger_price=None)
    (sent,) = await sent_for("binance", amending(ROW, DETAILS, terms, QUIRKS["binance"]))
    assert sent.path == "/api/v3/order/cancelReplace"
    assert not QUIRKS["binance"].amends_in_place


@pytest.mark.parametrize("exchange", sorted(QUIRKS))
async def test_amending_is_offered_where_it_happens_in_place(exchange: str) -> None:
    async with recorded(exchange, {}) as (client, _):
        offered = capabilities_of(client, QUIRKS[exchange]).amend_order
        client.has["editOrder"] = False
        assert not capabilities_of(client, QUIRKS[exchange]).amend_order
    assert offered is (exchange not in {"binance", "coinbase", "kucoin"})
    assert not capabilities_of(None, QUIRKS[exchange]).amend_order


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (OrderType.STOP_LIMIT, {"trigger_price": "49000", "limit_price": "48900"}),
        (OrderType.TAKE_PROFIT_MARKET, {"trigger_price": "49000"}),
    ],
)
async def test_a_trigger_is_amended_where_stops_are_taken(
    kind: OrderType, wanted: dict[str, str]
) -> None:
    price = Decimal(48900) if kind.has_price else None
    terms = AmendableTerms(amount=Decimal("0.2"), price=price, trigger_price=Decimal(49000))
    call = amending(ROW, replace(DETAILS, type=kind), terms, QUIRKS["kraken"])
    (sent,) = await sent_for("kraken", call)
    assert wanted.items() <= sent.fields.items()
    assert ("limit_price" in sent.fields) is kind.has_price


async def test_on_kraken_an_order_that_must_not_take_is_told_so_again() -> None:
    terms = AmendableTerms(amount=Decimal("0.2"), price=Decimal(50001), trigger_price=None)
    for lasting, wanted in ((TimeInForce.POST_ONLY, "true"), (TimeInForce.GTC, None)):
        details = replace(DETAILS, time_in_force=lasting)
        (sent,) = await sent_for("kraken", amending(ROW, details, terms, QUIRKS["kraken"]))
        assert sent.fields.get("post_only") == wanted
