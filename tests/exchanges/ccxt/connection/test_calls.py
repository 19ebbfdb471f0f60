from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.reports import OrderIntent, OrderKey
from app.domain.orders.terms import OrderTerms
from app.exchanges.ccxt.connection.calls import canceling, is_this, placing, searching
from app.exchanges.ccxt.connection.capabilities import offers
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks
from app.exchanges.ccxt.rows.table import QUIRKS, quirks_of
from tests.support.exchanges.request_recorders import ANSWERS, Sent, recorded, sent_for
from tests.support.makers import changed

WIRE = "a00000000000000001"
INTENT = OrderIntent(
    wire_id=WIRE,
    symbol="BTC/USDT",
    terms=OrderTerms(
        side=OrderSide.BUY,
        type=OrderType.LIMIT,
        amount=Decimal("0.10"),
        price=Decimal("50000.00"),
    ),
)
OURS = OrderKey(symbol="BTC/USDT", wire_id=WIRE, exchange_order_id=None)
THEIRS = replace(OURS, exchange_order_id="28")


async def sent_for_placing(exchange: str, intent: OrderIntent = INTENT) -> Sent:
    (sent,) = await sent_for(exchange, placing(intent, QUIRKS[exchange]))
    return sent


@pytest.mark.parametrize(
    ("exchange", "wanted"),
    [
        (
            "binance",
            {
                "newClientOrderId": WIRE, "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT",
                "quantity": "0.1", "price": "50000", "timeInForce": "GTC",
            },
        ),
        (
            "bybit",
            {
                "orderLinkId": WIRE, "category": "spot", "symbol": "BTCUSDT", "side": "Buy",
                "orderType": "Limit", "qty": "0.1", "price": "50000",
            },
        ),
        (
            "okx",
            {
                "clOrdId": WIRE, "instId": "BTC-USDT", "side": "buy", "ordType": "limit",
                "sz": "0.1", "px": "50000", "tdMode": "cash",
            },
        ),
        (
            "kraken",
            {
                "cl_ord_id": WIRE, "pair": "XBTUSDT", "type": "buy", "ordertype": "limit",
                "volume": "0.1", "price": "50000",
            },
        ),
        (
            "kucoin",
            {
                "clientOid": WIRE, "symbol": "BTC-USDT", "side": "buy", "type": "limit",
                "size": "0.1", "price": "50000",
            },
        ),
        (
            "coinbase",
            {
                "client_order_id": WIRE, "product_id": "BTC-USDT", "side": "BUY",
                "order_configuration": {
                    "limit_limit_gtc": {
                        "base_size": "0.1", "limit_price": "50000", "post_only": False,
                    }
                },
            },
        ),
    ],
)  # fmt: skip
async def test_an_order_is_placed_under_our_wire_id(exchange: str, wanted: dict[str, Any]) -> None:
    sent = await sent_for_placing(exchange)
    assert sent.method == "POST"
    assert {**sent.fields, **wanted} == sent.fields


@pytest.mark.parametrize(
    ("exchange", "size"),
    [
        ("binance", "quantity"),
        ("bybit", "qty"),
        ("okx", "sz"),
        ("kraken", "volume"),
        ("kucoin", "size"),
    ],
)
@pytest.mark.parametrize("side", list(OrderSide))
async def test_a_market_order_is_of_an_amount_even_where_a_price_comes_with_it(
    exchange: str, size: str, side: OrderSide
) -> None:
    sent = await sent_for_placing(exchange, changed(INTENT, type=OrderType.MARKET, side=side))
    assert sent.fields[size] == "0.1"
    assert not {"quoteOrderQty", "price", "px", "funds"} & sent.fields.keys()


@pytest.mark.parametrize("side", list(OrderSide))
async def test_a_market_order_at_coinbase_is_of_an_amount_in_base_currency_on_both_sides(
    side: OrderSide,
) -> None:
    market = changed(INTENT, type=OrderType.MARKET, side=side, amount=Decimal("1E-5"))
    row = QUIRKS["coinbase"]
    call = placing(market, row)
    async with recorded("coinbase", ANSWERS["coinbase"], options=dict(row.options)) as (
        client,
        recorder,
    ):
        await client.create_order(*call.arguments)
    (sent,) = recorder.sent
    assert sent.fields["order_configuration"] == {"market_market_ioc": {"base_size": "0.00001"}}


@pytest.mark.parametrize(
    ("lasting", "name", "is_post_only"),
    [
        (TimeInForce.IOC, "sor_limit_ioc", None),
        (TimeInForce.FOK, "limit_limit_fok", None),
        (TimeInForce.POST_ONLY, "limit_limit_gtc", True),
    ],
)
async def test_how_long_an_order_waits_names_its_configuration_at_coinbase(
    lasting: TimeInForce, name: str, *, is_post_only: bool | None
) -> None:
    sent = await sent_for_placing("coinbase", changed(INTENT, time_in_force=lasting))
    ((found, terms),) = sent.fields["order_configuration"].items()
    assert (found, terms.get("post_only")) == (name, is_post_only)


async def test_at_coinbase_an_order_is_looked_for_in_the_whole_market_and_canceled_by_its_id() -> (
    None
):
    row = QUIRKS["coinbase"]
    (sent,) = await sent_for("coinbase", *searching(OURS, row))
    assert sent.path == "/api/v3/brokerage/orders/historical/batch"
    assert sent.fields == {"product_id": "BTC-USDT"}
    assert canceling(OURS, row) is None
    call = canceling(THEIRS, row)
    assert call is not None
    (sent,) = await sent_for("coinbase", call)
    assert sent.fields == {"order_ids": ["28"]}
    first = (await sent_for("coinbase", *searching(THEIRS, row)))[0]
    assert first.path == "/api/v3/brokerage/orders/historical/28"


@pytest.mark.parametrize("exchange", sorted(QUIRKS))
async def test_a_spot_market_hears_nothing_of_reduce_only(exchange: str) -> None:
    reducing = changed(INTENT, side=OrderSide.SELL, reduce_only=True)
    sent = await sent_for_placing(exchange, reducing)
    assert [name for name in sent.fields if "reduce" in name.lower()] == []


@pytest.mark.parametrize(
    ("exchange", "lasting", "wanted"),
    [
        ("binance", TimeInForce.IOC, ("timeInForce", "IOC")),
        ("binance", TimeInForce.FOK, ("timeInForce", "FOK")),
        ("binance", TimeInForce.POST_ONLY, ("type", "LIMIT_MAKER")),
        ("bybit", TimeInForce.IOC, ("timeInForce", "IOC")),
        ("bybit", TimeInForce.FOK, ("timeInForce", "FOK")),
        ("bybit", TimeInForce.POST_ONLY, ("timeInForce", "PostOnly")),
        ("okx", TimeInForce.IOC, ("ordType", "ioc")),
        ("okx", TimeInForce.FOK, ("ordType", "fok")),
        ("okx", TimeInForce.POST_ONLY, ("ordType", "post_only")),
        ("kraken", TimeInForce.IOC, ("timeinforce", "IOC")),
        ("kraken", TimeInForce.FOK, ("timeinforce", "FOK")),
        ("kraken", TimeInForce.POST_ONLY, ("oflags", "fciq,post")),
        ("kucoin", TimeInForce.IOC, ("timeInForce", "IOC")),
        ("kucoin", TimeInForce.FOK, ("timeInForce", "FOK")),
        ("kucoin", TimeInForce.POST_ONLY, ("postOnly", True)),
    ],
)
async def test_how_long_an_order_waits_reaches_the_exchange(
    exchange: str, lasting: TimeInForce, wanted: tuple[str, object]
) -> None:
    sent = await sent_for_placing(exchange, changed(INTENT, time_in_force=lasting))
    assert wanted in sent.fields.items()


@pytest.mark.parametrize(
    ("exchange", "kind", "wanted"),
    [
        ("binance", OrderType.STOP_LIMIT, {"type": "STOP_LOSS_LIMIT", "stopPrice": "49500"}),
        ("binance", OrderType.STOP_MARKET, {"type": "STOP_LOSS", "stopPrice": "49500"}),
        ("binance", OrderType.TAKE_PROFIT_LIMIT, {"type": "TAKE_PROFIT_LIMIT"}),
        ("binance", OrderType.TAKE_PROFIT_MARKET, {"type": "TAKE_PROFIT", "stopPrice": "49500"}),
        ("kraken", OrderType.STOP_LIMIT, {"ordertype": "stop-loss-limit", "price2": "50000"}),
        ("kraken", OrderType.STOP_MARKET, {"ordertype": "stop-loss", "price": "49500"}),
        ("kraken", OrderType.TAKE_PROFIT_LIMIT, {"ordertype": "take-profit-limit"}),
        ("kraken", OrderType.TAKE_PROFIT_MARKET, {"ordertype": "take-profit", "price": "49500"}),
    ],
)
async def test_a_trigger_reaches_the_exchanges_that_take_stops(
    exchange: str, kind: OrderType, wanted: dict[str, str]
) -> None:
    assert QUIRKS[exchange].has_stops
    intent = changed(INTENT, type=kind, trigger_price=Decimal(49500), side=OrderSide.SELL)
    sent = await sent_for_placing(exchange, intent)
    assert wanted.items() <= sent.fields.items()


@pytest.mark.parametrize(
    ("exchange", "ours", "theirs"),
    [
        ("binance", ("origClientOrderId", WIRE), ("orderId", "28")),
        ("bybit", ("orderLinkId", WIRE), ("orderId", "28")),
        ("okx", ("clOrdId", WIRE), ("ordId", "28")),
        ("kraken", ("cl_ord_id", WIRE), ("txid", "28")),
    ],
)
async def test_an_order_is_canceled_by_either_id(
    exchange: str, ours: tuple[str, str], theirs: tuple[str, str]
) -> None:
    for key, wanted in ((OURS, ours), (THEIRS, theirs)):
        call = canceling(key, QUIRKS[exchange])
        assert call is not None
        (sent,) = await sent_for(exchange, call)
        assert wanted in sent.fields.items()
        assert "None" not in sent.fields.values()


@pytest.mark.parametrize(
    ("exchange", "wanted"),
    [
        ("binance", [("/api/v3/order", "origClientOrderId")]),
        ("bybit", [("/v5/order/realtime", "orderLinkId"), ("/v5/order/history", "orderLinkId")]),
        ("okx", [("/api/v5/trade/order", "clOrdId")]),
        (
            "kraken",
            [("/0/private/OpenOrders", "cl_ord_id"), ("/0/private/ClosedOrders", "cl_ord_id")],
        ),
    ],
)
async def test_an_order_is_looked_up_by_our_id_wherever_it_may_be(
    exchange: str, wanted: list[tuple[str, str]]
) -> None:
    sent = await sent_for(exchange, *searching(OURS, QUIRKS[exchange]))
    assert [
        (one.path, one.fields.get(name)) for one, (_, name) in zip(sent, wanted, strict=True)
    ] == [(path, WIRE) for path, _ in wanted]
    assert not any("None" in one.fields.values() for one in sent)
    assert not any("orderStatus" in one.fields for one in sent)


@pytest.mark.parametrize(
    ("exchange", "first"),
    [
        ("binance", ("/api/v3/order", "orderId")),
        ("bybit", ("/v5/order/realtime", "orderId")),
        ("okx", ("/api/v5/trade/order", "ordId")),
        ("kraken", ("/0/private/QueryOrders", "txid")),
    ],
)
async def test_an_order_is_looked_up_by_the_exchanges_id_first(
    exchange: str, first: tuple[str, str]
) -> None:
    path, name = first
    calls = list(searching(THEIRS, QUIRKS[exchange]))
    sent = (await sent_for(exchange, *calls))[0]
    assert (sent.path, sent.fields[name]) == (path, "28")


def test_where_nobody_looked_every_list_is_gone_through_and_none_is_narrowed() -> None:
    venue = quirks_of("phemex")
    assert not venue.is_known
    assert canceling(OURS, venue) is None
    calls = list(searching(OURS, venue))
    assert [call.method for call in calls] == [
        "fetch_open_orders", "fetch_closed_orders", "fetch_canceled_orders",
    ]  # fmt: skip
    assert all(call.arguments == ("BTC/USDT", None, None, {}) for call in calls)


def test_an_order_is_told_by_its_ids_and_by_nothing_else() -> None:
    twin = {"id": "29", "clientOrderId": "other", "symbol": "BTC/USDT", "amount": "0.1"}
    assert not is_this(twin, THEIRS)
    assert is_this({**twin, "clientOrderId": WIRE}, OURS)
    assert is_this({**twin, "id": "28"}, THEIRS)
    assert not is_this({"id": None, "clientOrderId": None}, OURS)


def test_on_kraken_our_id_is_not_the_number_that_ccxt_takes_for_it() -> None:
    row = {"id": "28", "clientOrderId": "0", "info": {"order_userref": 0, "cl_ord_id": WIRE}}
    venue = QUIRKS["kraken"]
    assert is_this(venue.named(row), OURS)
    assert venue.named(row | {"info": {"order_userref": 0}})["clientOrderId"] is None
    assert venue.named(row | {"info": None})["clientOrderId"] is None
    assert QUIRKS["binance"].named(row)["clientOrderId"] == "0"


@pytest.mark.parametrize("venue", QUIRKS.values(), ids=lambda venue: venue.exchange)
async def test_every_question_of_a_row_is_one_that_ccxt_can_put(venue: ExchangeQuirks) -> None:
    async with recorded(venue.exchange, {}) as (client, _):
        for search in (*venue.by_wire_id, *venue.by_exchange_id):
            assert callable(getattr(client, search.method))
            assert offers(client, search.method)
        assert not offers(client, "fetch_no_such_thing")
        for refused in venue.refused_accounts:
            assert callable(getattr(client, refused.method))
        if venue.open_by_market is not None:
            assert callable(getattr(client, venue.open_by_market.markets_method))
            assert callable(getattr(client, venue.open_by_market.orders_method))


@pytest.mark.parametrize("venue", [*QUIRKS.values(), quirks_of("phemex")])
def test_every_argument_of_an_order_is_a_text(venue: ExchangeQuirks) -> None:
    intent = changed(INTENT, amount=Decimal("1E-8"), price=Decimal("1E+2"))
    *texts, _params = placing(intent, venue).arguments
    assert texts == ["BTC/USDT", "limit", "buy", "0.00000001", "100"]
