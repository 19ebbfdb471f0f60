"""A real exchange behind the port: one account, over the genuine ccxt."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import product
from typing import Any, TypeVar

import structlog

from app.domain.accounts import AccountMode, Balance, Capabilities, Connection
from app.domain.markets import Market, Ticker
from app.domain.order_reports import FillReport, OrderIntent, OrderKey, OrderReport, OrderTerms
from app.domain.orders import PositionType
from app.errors import ExchangeDoubt, ExchangeRejected, Refusal, RefusalCode
from app.exchanges.ccxt_calls import Call, amending, canceling, is_this, placing, searching
from app.exchanges.ccxt_capabilities import capabilities_of, offers
from app.exchanges.ccxt_clients import CcxtTerms
from app.exchanges.ccxt_failures import (
    Unreadable,
    failure_of_create,
    failure_of_read,
    is_order_missing,
    is_order_unknown,
)
from app.exchanges.ccxt_markets import balances_of, off_step, ticker_of
from app.exchanges.ccxt_numbers import milliseconds, text
from app.exchanges.ccxt_reports import Row, accepted, fills_of, report_of
from app.exchanges.ccxt_requests import Priority
from app.exchanges.ccxt_sessions import CcxtSession, MarketShelf
from app.exchanges.ccxt_streams import Streams
from app.exchanges.news import NewsStand
from app.ports import Clock

_Found = TypeVar("_Found")

_log = structlog.get_logger(__name__)


class CcxtExchange:
    """One account at an exchange. What it cannot read it counts, logs and never guesses."""

    def __init__(self, terms: CcxtTerms, clock: Clock, shelf: MarketShelf) -> None:
        self._terms = terms
        self._venue = terms.venue
        self._clock = clock
        self._session = CcxtSession(terms, clock, shelf)
        self._stand = NewsStand()
        self._streams = Streams(self, self._session, self._stand, terms, clock)
        self.oddities: Counter[str] = Counter()

    @property
    def opened(self) -> asyncio.Event:
        """Set as long as there is a connection to ask over."""
        return self._session.opened

    @property
    def capabilities(self) -> Capabilities:
        """What the client says that it can do; before there is one, the least."""
        client = self._session.client if self._session.opened.is_set() else None
        return capabilities_of(client, self._venue)

    @property
    def connection(self) -> Connection:
        return self._streams.connection

    async def markets(self) -> Mapping[str, Market]:
        self._session.require()
        return self._session.markets

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The prices of those symbols that are listed."""
        self._session.require()
        listed = [symbol for symbol in symbols if symbol in self._session.markets]
        if not listed:
            return {}
        if len(listed) == 1:
            rows = [await self._read(Priority.MARKET_DATA, "fetch_ticker", listed[0])]
        else:
            answer = await self._read(Priority.MARKET_DATA, "fetch_tickers", listed)
            rows = list(answer.values())
        now = self._clock.now()
        found = (ticker_of(row, now=now) for row in rows)
        return {one.symbol: one for one in found if one is not None and one.symbol in listed}

    async def balances(self) -> Mapping[str, Balance]:
        return balances_of(await self._read(Priority.LOOKUP, "fetch_balance"))

    async def submit(self, intent: OrderIntent) -> OrderReport:
        """Place it once; whatever is not a clear answer is doubt."""
        self._session.require()
        refusal = self._own_no(intent)
        if refusal is not None:
            raise ExchangeRejected(refusal)
        try:
            row = await self._session.ask(Priority.ORDER, placing(intent, self._venue))
        except Exception as error:
            raise failure_of_create(error) from error
        return self._readable(accepted, row, wire_id=intent.wire_id)

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        """What the exchange does not have waiting any more is looked up, for it may be canceled."""
        call = canceling(key, self._venue)
        if call is None:
            row = await self._find_row(key)
            if row is None:
                return None
            call = Call(method="cancel_order", arguments=(text(row, "id"), key.symbol))
        try:
            await self._session.ask(Priority.CANCEL, call)
        except Exception as error:
            if not is_order_unknown(error):
                raise failure_of_read(error) from error
        return await self.find(key)

    async def amend(self, key: OrderKey, wanted: OrderTerms) -> OrderReport | None:
        if not self._venue.can_amend:
            message = (
                f"{self._venue.exchange} cannot change an order in place so that it can be told"
            )
            raise ExchangeRejected(Refusal(code=RefusalCode.UNSUPPORTED, message=message))
        row = await self._find_row(key)
        if row is None:
            return None
        try:
            await self._session.ask(Priority.ORDER, amending(row, wanted))
        except Exception as error:
            raise failure_of_create(error) from error
        return await self.find(key)

    async def find(self, key: OrderKey) -> OrderReport | None:
        """The order with its trades; None where every question after it was answered with no."""
        row = await self._find_row(key)
        if row is None:
            return None
        return await self._whole(row, wire_id=key.wire_id)

    async def open_orders(self) -> Sequence[OrderReport]:
        """Those that can be read, with their trades; one that cannot does not hide the others."""
        arguments = (None, None, self._venue.open_orders_limit)
        reports = []
        for row in await self._read(Priority.LOOKUP, "fetch_open_orders", *arguments):
            try:
                reports.append(await self._whole(self._venue.named(row)))
            except Unreadable:
                continue
        return reports

    async def closed_orders(self, since: datetime, symbols: Sequence[str]) -> Sequence[OrderReport]:
        """Market by market, as far as the exchange lists them."""
        self._session.require()
        reports, start = [], milliseconds(since)
        for method, symbol in product(_closed_lists(self._session.client), symbols):
            reports += self._reports(await self._read(Priority.LOOKUP, method, symbol, start))
        return reports

    async def trades_since(self, since: datetime, symbol: str) -> Sequence[FillReport]:
        """The account's own trades in a market."""
        start = milliseconds(since)
        return self._trades(await self._read(Priority.LOOKUP, "fetch_my_trades", symbol, start))

    def news(self) -> AsyncIterator[OrderReport]:
        """What this process hears from now on."""
        return self._stand.reader()

    async def gap(self) -> None:
        """Wait until news may have been lost."""
        await self._streams.gap()

    async def run(self) -> None:
        """Connect, listen, and let go of everything at the end."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._session.run())
                tasks.create_task(self._streams.run())
        finally:
            await self._session.close()

    def count(self, what: str, **facts: Any) -> None:
        """Note something that the exchange should not have said."""
        self.oddities[what] += 1
        _log.warning(f"exchange.{what}", exchange=self._terms.exchange, **facts)

    def _own_no(self, intent: OrderIntent) -> Refusal | None:
        market = self._session.markets.get(intent.symbol)
        if market is None:
            message = f"the exchange lists no {intent.symbol}"
            return Refusal(code=RefusalCode.UNKNOWN_SYMBOL, message=message, field=("symbol",))
        if self._terms.mode is AccountMode.PAPER or market.type is not PositionType.SPOT:
            message = "only spot orders are placed, and none on an account that has only prices"
            return Refusal(code=RefusalCode.UNSUPPORTED, message=message, field=("symbol",))
        if intent.type not in self.capabilities.order_types:
            message = f"{self._venue.exchange} takes no {intent.type} orders here"
            return Refusal(code=RefusalCode.UNSUPPORTED, message=message, field=("type",))
        return off_step(intent, market)

    async def _find_row(self, key: OrderKey) -> Row | None:
        for call in searching(key, self._venue):
            row = await self._search(call, key)
            if row is not None:
                return row
        await self._require_no_trades(key)
        return None

    async def _search(self, call: Call, key: OrderKey) -> Row | None:
        if not self._offers(call.method):
            if call.is_optional:
                return None
            raise ExchangeDoubt(f"{self._venue.exchange} offers no {call.method}: not looked up")
        try:
            answer = await self._session.ask(Priority.LOOKUP, call)
        except Exception as error:
            if is_order_missing(error):
                return None
            raise failure_of_read(error) from error
        rows: Iterable[Any] = (answer,) if call.is_direct else answer
        found = [self._venue.named(row) for row in rows if isinstance(row, Mapping)]
        if call.is_direct and not any(is_this(row, key) for row in found):
            raise Unreadable("the exchange answered with another order than was asked for")
        return next((row for row in found if is_this(row, key)), None)

    def _offers(self, method: str) -> bool:
        return offers(self._session.client, method)

    async def _require_no_trades(self, key: OrderKey) -> None:
        """An order that is in no list and has traded is there all the same."""
        if self._venue.is_known or key.exchange_order_id is None:
            return
        rows = await self._read(Priority.LOOKUP, "fetch_my_trades", key.symbol)
        if any(row.get("order") == key.exchange_order_id for row in rows):
            raise ExchangeDoubt("the exchange lists trades of the order and not the order")

    async def _whole(self, row: Row, **facts: Any) -> OrderReport:
        """An order with its trades, where it has any."""
        report = self._readable(report_of, row, **facts)
        return replace(report, fills=await self._fills(row)) if report.filled else report

    async def _fills(self, row: Row) -> tuple[FillReport, ...]:
        """The order's trades; where they cannot be had, the totals stand for them."""
        order_id, symbol = row.get("id"), row.get("symbol")
        if self._session.client.has.get("fetchOrderTrades") is True:
            call = Call(method="fetch_order_trades", arguments=(order_id, symbol))
        else:
            call = Call(method="fetch_my_trades", arguments=(symbol, row.get("timestamp")))
        try:
            rows = await self._session.ask(Priority.LOOKUP, call)
        except Exception as error:  # noqa: BLE001 - the next look brings them
            self.count("trades_unanswered", why=str(failure_of_read(error)))
            return ()
        return self._trades([row for row in rows if row.get("order") == order_id])

    async def _read(self, priority: Priority, method: str, *arguments: Any) -> Any:
        self._session.require()
        try:
            return await self._session.ask(priority, Call(method=method, arguments=arguments))
        except Exception as error:
            raise failure_of_read(error) from error

    def _trades(self, rows: Sequence[Row]) -> tuple[FillReport, ...]:
        fills = fills_of(rows)
        if len(fills) < len({row.get("id") for row in rows}):
            self.count("trade_unreadable", told=len(rows), read=len(fills))
        return fills

    def _reports(self, rows: Iterable[Row]) -> list[OrderReport]:
        """Those that can be read; one that cannot does not hide the others."""
        reports = []
        for row in rows:
            try:
                reports.append(report_of(self._venue.named(row), now=self._clock.now()))
            except Unreadable as error:
                self.count("order_unreadable", why=str(error))
        return reports

    def _readable(self, read: Callable[..., _Found], row: Any, **facts: Any) -> _Found:
        try:
            return read(row, now=self._clock.now(), **facts)
        except Unreadable as error:
            self.count("order_unreadable", why=str(error))
            raise


def _closed_lists(client: Any) -> tuple[str, ...]:
    """The lists in which every closed order stands once."""
    if offers(client, "fetch_canceled_and_closed_orders"):
        return ("fetch_canceled_and_closed_orders",)
    apart = ("fetch_closed_orders", "fetch_canceled_orders")
    return tuple(method for method in apart if offers(client, method))
