"""Amending in place at the exchanges that do, over ccxt's genuine classes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest

from app.domain.accounts import AccountMode
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderKey, OrderReport
from app.domain.orders.terms import AmendableTerms
from app.errors import ExchangeDoubt, ExchangeRejected, RefusalCode
from app.exchanges.ccxt.connection.clients import CcxtTerms
from app.exchanges.ccxt.connection.request_queue import Pace, RequestQueue
from app.exchanges.ccxt.connection.sessions import MarketCache
from app.exchanges.ccxt.exchange import CcxtExchange
from app.exchanges.ccxt.parsing.markets import markets_of
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.request_recorders import Recorder, Sent, recorded

WIRE = "a00000000000000001"
KEY = OrderKey(symbol="BTC/USDT", wire_id=WIRE, exchange_order_id="28")
BEFORE = AmendableTerms(amount=Decimal("0.1"), price=Decimal(50_000), trigger_price=None)
WANTED = AmendableTerms(amount=Decimal("0.2"), price=Decimal(50_001), trigger_price=None)
AT = 1748779200


@dataclass
class Book:
    """The one order of an exchange, which changes when it is amended or canceled."""

    amount: str = "0.1"
    price: str = "50000"
    filled: str = "0"
    is_open: bool = True
    failures: list[Exception] = field(default_factory=list)

    def amend(self, amount: str, price: str) -> None:
        self.amount, self.price = amount, price
        if self.failures:
            raise self.failures.pop()


def bybit(book: Book) -> Mapping[str, Any]:
    def told(sent: Sent) -> Any:
        is_here = book.is_open is (sent.path == "/v5/order/realtime")
        status = "New" if book.is_open else "Cancelled"
        row = {
            "symbol": "BTCUSDT", "orderId": "28", "orderLinkId": WIRE, "side": "Buy",
            "orderType": "Limit", "price": book.price, "qty": book.amount, "timeInForce": "GTC",
            "cumExecQty": book.filled, "cumExecValue": "0", "orderStatus": status,
            "createdTime": str(AT * 1000), "updatedTime": str(AT * 1000),
        }  # fmt: skip
        return {"retCode": 0, "result": {"list": [row] if is_here else []}}

    def amended(sent: Sent) -> Any:
        book.amend(sent.fields["qty"], sent.fields["price"])
        return {"retCode": 0, "result": {"orderId": "28", "orderLinkId": WIRE}}

    def canceled(_sent: Sent) -> Any:
        book.is_open = False
        return {"retCode": 0, "result": {"orderId": "28"}}

    return {
        "/v5/user/query-api": {"retCode": 0, "result": {"unified": 0, "uta": 1}},
        "/v5/account/info": {"retCode": 0, "result": {"unifiedMarginStatus": 4}},
        "/v5/order/realtime": told,
        "/v5/order/history": told,
        "/v5/order/amend": amended,
        "/v5/order/cancel": canceled,
        "*": {"retCode": 0, "result": {"list": []}},
    }


def okx(book: Book) -> Mapping[str, Any]:
    def told(_sent: Sent) -> Any:
        row = {
            "instId": "BTC-USDT", "instType": "SPOT", "ordId": "28", "clOrdId": WIRE,
            "side": "buy", "ordType": "limit", "px": book.price, "sz": book.amount,
            "accFillSz": book.filled, "state": "live" if book.is_open else "canceled",
            "cTime": str(AT * 1000), "uTime": str(AT * 1000),
        }  # fmt: skip
        return {"code": "0", "data": [row]}

    def amended(sent: Sent) -> Any:
        book.amend(sent.fields["newSz"], sent.fields["newPx"])
        return {"code": "0", "data": [{"ordId": "28", "clOrdId": WIRE, "sCode": "0"}]}

    def canceled(_sent: Sent) -> Any:
        book.is_open = False
        return {"code": "0", "data": [{"ordId": "28", "sCode": "0"}]}

    return {
        "/api/v5/trade/order": told,
        "/api/v5/trade/amend-order": amended,
        "/api/v5/trade/cancel-order": canceled,
        "*": {"code": "0", "data": []},
    }


def kraken(book: Book) -> Mapping[str, Any]:
    def told(_sent: Sent) -> Any:
        row = {
            "status": "open" if book.is_open else "canceled", "cl_ord_id": WIRE, "opentm": AT,
            "vol": book.amount, "vol_exec": book.filled, "cost": "0", "fee": "0", "price": "0",
            "oflags": "fciq",
            "descr": {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": book.price},
        }  # fmt: skip
        return {"error": [], "result": {"28": row}}

    def amended(sent: Sent) -> Any:
        book.amend(sent.fields["order_qty"], sent.fields["limit_price"])
        return {"error": [], "result": {"amend_id": "TJSMEH-AA67V-YUSQ6O"}}

    def canceled(_sent: Sent) -> Any:
        book.is_open = False
        return {"error": [], "result": {"count": 1}}

    return {
        "/0/private/QueryOrders": told,
        "/0/private/AmendOrder": amended,
        "/0/private/CancelOrder": canceled,
        "*": {"error": [], "result": {"trades": {}}},
    }


EXCHANGES = {"bybit": bybit, "okx": okx, "kraken": kraken}
AMEND_PATHS = {"/v5/order/amend", "/api/v5/trade/amend-order", "/0/private/AmendOrder"}


@dataclass(frozen=True, kw_only=True)
class Desk:
    gateway: CcxtExchange
    recorder: Recorder
    book: Book

    @property
    def amendments(self) -> int:
        return sum(sent.path in AMEND_PATHS for sent in self.recorder.sent)

    @property
    def changes(self) -> int:
        """Requests that were no questions."""
        words = ("amend", "Amend", "cancel", "Cancel", "create")
        return sum(any(word in sent.path for word in words) for sent in self.recorder.sent)

    async def amend(self, wanted: AmendableTerms) -> OrderReport:
        report = await self.gateway.amend(KEY, wanted)
        assert report is not None
        return report

    async def refusal(self, wanted: AmendableTerms) -> RefusalCode:
        with pytest.raises(ExchangeRejected) as caught:
            await self.gateway.amend(KEY, wanted)
        return caught.value.refusal.code


@asynccontextmanager
async def trading(exchange: str) -> AsyncIterator[Desk]:
    """The adapter over a client whose every request ends at the recorder."""
    clock, book = ManualClock(START), Book()
    async with recorded(exchange, EXCHANGES[exchange](book)) as (client, recorder):
        terms = CcxtTerms(exchange=exchange, mode=AccountMode.LIVE)
        gateway = CcxtExchange(terms, clock, MarketCache(clock))
        session = gateway._session
        session._client, session._queue = client, RequestQueue(clock, Pace(seconds_per_cost=0))
        session._markets = markets_of(client, fees_in_quote=False)
        session.opened.set()
        yield Desk(gateway=gateway, recorder=recorder, book=book)


@pytest.fixture(params=sorted(EXCHANGES))
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    async with trading(request.param) as desk:
        yield desk


def terms_in(report: OrderReport | None) -> AmendableTerms | None:
    assert report is not None
    assert report.terms is None or report.terms.version is None
    return None if report.terms is None else report.terms.terms


async def test_an_order_is_amended_once_and_told_with_its_new_terms(desk: Desk) -> None:
    assert desk.gateway.capabilities.amend_order
    assert terms_in(await desk.gateway.find(KEY)) == BEFORE
    report = await desk.amend(WANTED)
    assert (report.status, report.exchange_order_id) == (OrderStatus.OPEN, "28")
    assert terms_in(report) == WANTED
    assert desk.amendments == 1


async def test_what_is_so_already_is_not_asked_for_again(desk: Desk) -> None:
    await desk.amend(WANTED)
    assert terms_in(await desk.amend(WANTED)) == WANTED
    assert desk.changes == 1


async def test_a_lost_answer_to_an_amendment_is_doubt_and_the_lookup_tells(desk: Desk) -> None:
    desk.book.failures.append(import_module("ccxt.pro").RequestTimeout("no answer"))
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.amend(KEY, WANTED)
    assert terms_in(await desk.gateway.find(KEY)) == WANTED
    assert desk.amendments == 1


async def test_an_order_that_is_closed_is_not_amended(desk: Desk) -> None:
    desk.book.is_open = False
    assert await desk.refusal(WANTED) is RefusalCode.ALREADY_CLOSED
    assert desk.changes == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": Decimal("0.000001")}, RefusalCode.PRECISION),
        ({"price": Decimal("50000.001")}, RefusalCode.PRECISION),
        ({"price": None}, RefusalCode.INVALID_INPUT),
        ({"trigger_price": Decimal(49_000)}, RefusalCode.INVALID_INPUT),
        ({"amount": Decimal("0.00002")}, RefusalCode.MIN_NOTIONAL),
        ({"amount": Decimal(0)}, RefusalCode.INVALID_INPUT),
    ],
)
async def test_terms_that_ccxt_would_round_or_drop_are_refused(
    changes: dict[str, Any], code: RefusalCode
) -> None:
    async with trading("okx") as desk:
        assert await desk.refusal(replace(WANTED, **changes)) is code
        assert desk.changes == 0


async def test_an_amount_that_is_filled_already_cancels_the_rest(desk: Desk) -> None:
    desk.book.filled = "0.04"
    cut = replace(BEFORE, amount=Decimal("0.04"))
    report = await desk.amend(cut)
    assert (report.status, report.filled) == (OrderStatus.CANCELED, Decimal("0.04"))
    assert terms_in(report) == cut
    assert (desk.amendments, desk.changes) == (0, 1)


async def test_less_than_is_filled_is_refused(desk: Desk) -> None:
    desk.book.filled = "0.04"
    less = replace(BEFORE, amount=Decimal("0.03"))
    assert await desk.refusal(less) is RefusalCode.INVALID_INPUT
    assert desk.changes == 0


async def test_an_amendment_that_was_sent_is_never_called_unsent(desk: Desk) -> None:
    queue = desk.gateway._session._queue
    assert queue is not None
    answers = desk.recorder._answers
    (path,) = AMEND_PATHS & answers.keys()
    amended = answers[path]

    def amended_and_banned(sent: Sent) -> Any:
        queue.ban(30)
        return amended(sent)

    desk.recorder._answers = {**answers, path: amended_and_banned}
    desk.gateway._session.client.throttle = queue.admit
    desk.gateway._session.client.enableRateLimit = True
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.amend(KEY, WANTED)
    assert desk.amendments == 1
