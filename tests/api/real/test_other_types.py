"""Orders placed elsewhere that are of none of our types: shown, named, and canceled by a halt."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.api.real.real_trading import Site, Trading, traded
from tests.conftest import on_each_database
from tests.support.api.clients import Data
from tests.support.api.trading import WAITING, refusal
from tests.support.clock import ManualClock
from tests.support.venues.binance.venue import Venue as Binance
from tests.support.venues.engine.orders import Status
from tests.support.venues.kraken.venue import Venue as Kraken
from tests.support.venues.serving import faults
from tests.support.venues.serving.deliveries import Delivery
from tests.support.venues.serving.requests import RequestKind
from tests.support.venues.serving.running import running

ORDERS = """{ orders { nodes {
  id symbol side type exchangeType status amount price triggerPrice source
  history { nodes { kind } }
} } }"""
HALT = """mutation { haltTrading(reason: "a test", cancelExternal: true) {
  isDone canceled { id } failed { message }
} }"""
AMEND = """mutation ($id: ID!) { amendOrder(input: { id: $id, amount: "0.4" }) {
  __typename ... on Refusal { code message }
} }"""


def _everywhere(page: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The page with each order in it changed."""
    if isinstance(page, list):
        return [_everywhere(row, change) for row in page]
    if not isinstance(page, dict):
        return page
    inner = {key: _everywhere(value, change) for key, value in page.items()}
    return change(inner) if "descr" in inner or "clientOrderId" in inner else inner


def _trailing_stop(order: dict[str, Any]) -> dict[str, Any]:
    descr = {**order["descr"], "ordertype": "trailing-stop", "price": "+5.0000%"}
    return {**order, "descr": descr, "price": "0.00000", "stopprice": "57000.00000"}


def _trailing_delta(order: dict[str, Any]) -> dict[str, Any]:
    return {**order, "type": "STOP_LOSS_LIMIT", "stopPrice": "0.00000000", "trailingDelta": 100}


def _pending_leg(order: dict[str, Any]) -> dict[str, Any]:
    return {**order, "status": "PENDING_NEW", "orderListId": 5}


@dataclass(frozen=True, kw_only=True)
class Case:
    """An order at an exchange as it lists it, and what it must be shown as."""

    venue: Callable[[ManualClock], Any]
    change: Callable[[dict[str, Any]], dict[str, Any]]
    shown: Mapping[str, str | None]


CASES = {
    "kraken trailing stop": Case(
        venue=Kraken,
        change=_trailing_stop,
        shown={"type": "OTHER", "exchangeType": "trailing-stop", "price": None},
    ),
    "binance trailing delta": Case(
        venue=Binance,
        change=_trailing_delta,
        shown={"type": "OTHER", "exchangeType": "STOP_LOSS_LIMIT", "price": "60000"},
    ),
    "binance pending leg": Case(
        venue=Binance,
        change=_pending_leg,
        shown={"type": "LIMIT", "exchangeType": None, "price": "60000"},
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
async def trading(
    case: Case, clock: ManualClock, database_url: str, tmp_path: Path
) -> AsyncIterator[Trading]:
    venue = case.venue(clock)
    async with running(venue):
        account = venue.open_account("main", USDT=100_000, BTC=2)
        site = Site(venue=venue, database_url=database_url, folder=tmp_path, clock=clock)
        async with traded(site, account) as trading:
            await trading.until_in_step()
            yield trading


def hold(trading: Trading, case: Case) -> str:
    """An order placed elsewhere that the exchange lists as the case says; the engine's id of it."""
    venue = trading.venue
    venue.user_streams.delivery = Delivery.NEVER
    spoiled = faults.spoiled(lambda page: _everywhere(page, case.change))
    for kind in (RequestKind.OPEN_ORDERS, RequestKind.FETCH_ORDER):
        venue.faults.on(kind, spoiled, times=None)
    order = venue.place_elsewhere(trading.account, "BTCUSDT", "SELL", "0.5", 60_000)
    return str(order.id)


async def orders(trading: Trading) -> list[Data]:
    return list((await trading.client.ask(ORDERS))["orders"]["nodes"])


@on_each_database
async def test_an_order_of_another_type_is_shown_as_what_it_is_and_canceled_by_a_halt(
    trading: Trading, case: Case
) -> None:
    held = hold(trading, case)

    async def look() -> Data:
        return {"nodes": await orders(trading)}

    [order] = (await trading.until(look, lambda seen: bool(seen["nodes"])))["nodes"]
    assert {name: order[name] for name in case.shown} == case.shown
    assert (order["status"], order["source"], order["side"]) == ("OPEN", "EXTERNAL", "SELL")
    assert (order["amount"], order["triggerPrice"]) == ("0.5", None)
    await trading.clock.advance(120)
    [later] = await orders(trading)
    assert [update["kind"] for update in later["history"]["nodes"]] == ["IMPORTED"]
    trading.venue.faults.off()
    halted = (await trading.client.ask(HALT))["haltTrading"]
    assert halted == {"isDone": True, "canceled": [{"id": order["id"]}], "failed": []}
    assert trading.venue.order(int(held)).status is Status.CANCELED
    [ended] = await orders(trading)
    assert ended["status"] == "CANCELED"


@pytest.mark.parametrize("case", [one for one in CASES.values() if one.shown["type"] == "OTHER"])
async def test_an_order_of_another_type_is_not_amended(trading: Trading, case: Case) -> None:
    hold(trading, case)

    async def look() -> Data:
        return {"nodes": await orders(trading)}

    [order] = (await trading.until(look, lambda seen: bool(seen["nodes"])))["nodes"]
    refused = (await trading.client.ask(AMEND, id=order["id"]))["amendOrder"]
    assert refused["code"] == "UNSUPPORTED"
    assert str(case.shown["exchangeType"]) in refused["message"]


async def test_an_order_of_another_type_is_not_placed(trading: Trading) -> None:
    wanted = {**WAITING, "type": "OTHER", "price": None, "account": "main"}
    refused = await refusal(trading.client, wanted)
    assert refused["code"] == "UNSUPPORTED"
    assert trading.venue.orders(trading.account) == []


async def test_an_order_that_cannot_be_read_at_all_is_logged_once(trading: Trading) -> None:
    trading.venue.user_streams.delivery = Delivery.NEVER
    nameless = Case(venue=Kraken, change=_without_amount, shown={})
    with capture_logs() as logs:
        hold(trading, nameless)
        await trading.clock.advance(600)
    assert await orders(trading) == []
    said = [entry for entry in logs if entry["event"] == "order.unknown"]
    assert len(said) == 1


def _without_amount(order: dict[str, Any]) -> dict[str, Any]:
    name = "vol" if "vol" in order else "origQty"
    return {**order, name: "0"}
