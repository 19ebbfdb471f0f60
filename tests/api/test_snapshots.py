"""All that one query reads was so at one instant."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import cast

import pytest

from app.domain.access.tokens import Scope, Token
from app.domain.orders.filters import OrderFilter, OrderSort
from app.domain.pages import PageRequest
from app.domain.portfolio.positions import Position
from app.services import Services
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.valuation import ValuationRequest
from app.services.reads import OrderList, View
from schema.build import build_schema
from schema.context import Context
from tests.conftest import START, on_each_database
from tests.support.callers import elsewhere
from tests.support.clock import ManualClock
from tests.support.makers import make_request

TOKEN = Token(id="1", name="a client", scopes=(Scope.TRADE,), created_at=START)
HELD = "positions { asOf nodes { notional unrealizedPnl markPrice markPriceAt } }"
MONEY = f"{{ first: {HELD} portfolio {{ asOf equity cash unrealizedPnl }} second: {HELD} }}"
THREE = "{ a: orders { totalCount asOf } b: orders { totalCount asOf } c: fills { nodes { id } } }"


class _BusyView:
    """A view on a database in which an order is placed after each look at the orders."""

    def __init__(
        self, view: View, place: Callable[[], Coroutine[None, None, None]], turn: asyncio.Lock
    ) -> None:
        self._view = view
        self._place = place
        self._turn = turn

    async def orders(self, wanted: OrderFilter, sort: OrderSort, request: PageRequest) -> OrderList:
        async with self._turn:
            found = await self._view.orders(wanted, sort, request)
            await elsewhere(self._place())
            return found

    def __getattr__(self, name: str) -> object:
        return getattr(self._view, name)


class _BusyViews:
    """Opens such views; each field waits for its turn, so that something lies between them."""

    def __init__(
        self, views: ConsistentViews, place: Callable[[], Coroutine[None, None, None]]
    ) -> None:
        self._views = views
        self._place = place
        self._turn = asyncio.Lock()
        self.opened = 0

    @asynccontextmanager
    async def open(
        self,
        names: frozenset[str],
        requests: Sequence[ValuationRequest],
        client: Hashable | None = None,
    ) -> AsyncIterator[View]:
        self.opened += 1
        async with self._views.open(names, requests, client) as view:
            yield cast("View", _BusyView(view, self._place, self._turn))


class _SlowView:
    """A view of which prices move on after each look at the positions."""

    def __init__(self, view: View, clock: ManualClock, turn: asyncio.Lock) -> None:
        self._view = view
        self._clock = clock
        self._turn = turn

    async def positions(self) -> Sequence[Position]:
        async with self._turn:
            found = await self._view.positions()
            await self._clock.advance(1)
            return found

    def __getattr__(self, name: str) -> object:
        return getattr(self._view, name)


class _SlowViews:
    """Opens such views."""

    def __init__(self, views: ConsistentViews, clock: ManualClock) -> None:
        self._views = views
        self._clock = clock
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def open(
        self,
        names: frozenset[str],
        requests: Sequence[ValuationRequest],
        client: Hashable | None = None,
    ) -> AsyncIterator[View]:
        async with self._views.open(names, requests, client) as view:
            yield cast("View", _SlowView(view, self._clock, self._turn))


@pytest.fixture
def busy(services: Services) -> Services:
    numbers = iter(range(100))

    async def place() -> None:
        await services.orders.place(make_request(client_order_id=f"n-{next(numbers)}"))

    return replace(
        services,
        consistent_views=cast("ConsistentViews", _BusyViews(services.consistent_views, place)),
    )


@on_each_database
async def test_the_root_fields_of_a_query_read_one_instant(busy: Services) -> None:
    schema = build_schema()
    result = await schema.execute(THREE, context_value=Context(services=busy, token=TOKEN))
    assert result.errors is None
    assert result.data is not None
    assert result.data["a"] == result.data["b"]
    assert result.data["a"]["totalCount"] == 0
    again = await schema.execute(THREE, context_value=Context(services=busy, token=TOKEN))
    assert again.data is not None
    assert again.data["a"] == again.data["b"]
    assert again.data["b"]["totalCount"] == 2
    assert len(again.data["c"]["nodes"]) == 2
    assert again.data["a"]["asOf"] != result.data["a"]["asOf"]


async def test_one_document_is_of_one_set_of_prices_though_they_move_meanwhile(
    services: Services, clock: ManualClock
) -> None:
    for symbol in ("BTC/USDT", "ETH/USDT"):
        await services.orders.place(make_request(client_order_id=symbol[:3], symbol=symbol))
    slow = replace(
        services,
        consistent_views=cast("ConsistentViews", _SlowViews(services.consistent_views, clock)),
    )
    result = await build_schema().execute(MONEY, context_value=Context(services=slow, token=TOKEN))
    assert result.errors is None
    assert result.data is not None
    first, second, whole = (result.data[name] for name in ("first", "second", "portfolio"))
    assert first == second
    assert first["asOf"] == whole["asOf"]
    held = sum(Decimal(one["notional"]) for one in first["nodes"])
    gained = sum(Decimal(one["unrealizedPnl"]) for one in first["nodes"])
    assert Decimal(whole["equity"]) == Decimal(whole["cash"]) + held
    assert Decimal(whole["unrealizedPnl"]) == gained != 0


async def test_one_query_opens_one_view_and_gives_it_back(busy: Services) -> None:
    schema = build_schema()
    for _ in range(30):
        context = Context(services=busy, token=TOKEN)
        await schema.execute(THREE, context_value=context)
    assert cast("_BusyViews", busy.consistent_views).opened == 30
