"""OrderLookup: finds and lists orders at the exchange, with their trades."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from app.domain import money
from app.domain.orders.reports import FillReport, OrderKey, OrderReport
from app.errors import ExchangeDoubt, ExchangeError
from app.exchanges.ccxt.connection.anomalies import AnomalyLog
from app.exchanges.ccxt.connection.calls import Call, is_this, searching
from app.exchanges.ccxt.connection.capabilities import offers
from app.exchanges.ccxt.connection.sessions import CcxtSession
from app.exchanges.ccxt.parsing.failures import (
    MAX_WORDS,
    Unreadable,
    failure_of_read,
    is_clock_off,
    is_market_unknown,
    is_order_missing,
    is_unparsable,
    says_one_of,
    words_of,
)
from app.exchanges.ccxt.parsing.numbers import milliseconds
from app.exchanges.ccxt.parsing.order_reports import answered, fills_of, has_mixed_fees
from app.exchanges.ccxt.parsing.order_terms import Row
from app.exchanges.ccxt.parsing.page_styles import PageStyle, Params
from app.exchanges.ccxt.rest.closed_of_account import ClosedOfAccount
from app.exchanges.ccxt.rest.list_spans import spans_of, traded_between, until_now
from app.exchanges.ccxt.rest.named_trades import NamedTrades
from app.exchanges.ccxt.rest.open_by_market import open_rows
from app.exchanges.ccxt.rest.pages import all_rows, with_page
from app.exchanges.ccxt.rest.searches import UntilFound
from app.ports import Clock
from app.primitives.priorities import Priority
from app.primitives.recent_dict import RecentDict

# How many closed orders, whose trades the market's list lacks, get a request of their own; the
# others are reported with their totals only.
_MOST_ASKED_ALONE = 10
_FILLS_KEPT = 1000
_Found = TypeVar("_Found")


class OrderLookup:
    """Queries for orders and trades. Unreadable ones are counted, never guessed."""

    def __init__(self, session: CcxtSession, clock: Clock, anomalies: AnomalyLog) -> None:
        self._session = session
        self._clock = clock
        self._anomalies = anomalies
        # The trades of orders that were asked for last: they are not asked for again while they add
        # up to what is filled.
        self._fills_known: RecentDict[tuple[str, str], tuple[FillReport, ...]] = RecentDict(
            _FILLS_KEPT
        )
        self._named_trades = NamedTrades(session.quirks, self._trades)
        self._closed_of_account = ClosedOfAccount(self._all_closed_since, clock)

    async def find(self, key: OrderKey) -> OrderReport | None:
        """The order with its trades; None only if every lookup answered that it does not exist."""
        row = await self.find_row(key)
        return None if row is None else await self.whole(row, wire_id=key.wire_id)

    async def find_row(self, key: OrderKey) -> Row | None:
        for call in searching(key, self._session.quirks):
            row = await self._search(call, key)
            if row is not None:
                return row
        await self._require_no_trades(key)
        return None

    async def open_orders(self) -> Sequence[OrderReport]:
        """The readable open orders with their trades; an unreadable one hides no other."""
        quirks = self._session.quirks
        rows = await self._open_rows()
        await self._named_trades.keep(rows)
        reports = []
        for row in rows:
            try:
                reports.append(await self.whole(quirks.named(row)))
            except Unreadable:
                continue
        return reports

    async def closed_orders(self, since: datetime, symbols: Sequence[str]) -> Sequence[OrderReport]:
        """The closed orders that the exchange lists, market by market, with their trades."""
        self._session.require()
        if self._session.quirks.closed_account_start is not None:
            return await self._closed_in_account(since, symbols)
        reports: list[OrderReport] = []
        for symbol in symbols:
            rows = await self._listed(symbol, milliseconds(since))
            reports += await self._closed(symbol, [row for row in rows if not _is_open(row)])
        return reports

    async def _closed_in_account(
        self, since: datetime, symbols: Sequence[str]
    ) -> Sequence[OrderReport]:
        """The same where one list has the orders of all markets."""
        if not symbols:
            return ()
        listed = await self._closed_of_account.of(symbols, since)
        wanted = [row for row in listed if not _is_open(row)]
        await self._named_trades.keep(wanted)
        reports: list[OrderReport] = []
        for symbol in symbols:
            rows = [self._session.quirks.named(row) for row in wanted if row["symbol"] == symbol]
            reports += await self._closed(symbol, rows)
        return reports

    async def _all_closed_since(self, start: int) -> Sequence[Row]:
        quirks = self._session.quirks
        params = {str(quirks.closed_account_start): start, **quirks.lookup_params}
        call = Call(method="fetch_closed_orders", arguments=(None, None))
        return await self._pages(call, quirks.closed_order_pages, params)

    async def _listed(self, symbol: str, start: int) -> list[Row]:
        """The rows of all lists for one market; a delisted market does not hold up the others."""
        quirks, rows = self._session.quirks, list[Row]()
        for method in quirks.closed_lists or _closed_lists(self._session.client):
            try:
                for begin, params in self._spans(start, until_now(self._clock.now())):
                    call = Call(method=method, arguments=(symbol, begin))
                    rows += await self._pages(call, quirks.closed_order_pages, params)
            except ExchangeError as error:
                if error.__cause__ is None or not is_market_unknown(error.__cause__):
                    raise
                self._anomalies.note("market_gone", symbol=symbol)
        return [quirks.named(row) for row in rows]

    def _spans(self, start: int, end: int) -> Iterator[tuple[int, Params]]:
        """Where lists of this time begin, and the parameters with their end if they need one."""
        span = self._session.quirks.list_span
        if span is None:
            yield start, {}
            return
        for begin, until in spans_of(start, end, span):
            yield begin, {"until": until}

    async def _open_rows(self) -> Sequence[Row]:
        quirks = self._session.quirks
        if quirks.open_by_market is not None:
            parse = self._session.client.parse_orders
            return await open_rows(self._ask_raw, quirks.open_by_market, parse)
        call = Call(method="fetch_open_orders", arguments=(None, None))
        return await self._pages(call, quirks.open_order_pages, quirks.lookup_params)

    async def _ask_raw(self, method: str, params: Params) -> Any:
        return await self.read(Priority.LOOKUP, method, dict(params))

    async def _pages(
        self, call: Call, style: PageStyle, params: Params | None = None
    ) -> Sequence[Row]:
        """All pages of a list of orders."""

        async def ask(limit: int | None, page: Params) -> Sequence[Row]:
            arguments = with_page(call.arguments, limit, page)
            rows: Sequence[Row] = await self.read(Priority.LOOKUP, call.method, *arguments)
            return rows

        return await all_rows(ask, style, params)

    async def read(self, priority: Priority, method: str, *arguments: Any) -> Any:
        self._session.require()
        try:
            return await self._session.ask(priority, Call(method=method, arguments=arguments))
        except Exception as error:
            raise self.failure(error) from error

    def failure(self, error: Exception) -> ExchangeError:
        """Record why a request failed, and return it as an ExchangeError."""
        self.note(error)
        return failure_of_read(error)

    def note(self, error: Exception) -> None:
        """Count failures that concern more than the one request."""
        if is_unparsable(error):
            self._anomalies.note("answer_unparsable", why=repr(error)[:MAX_WORDS])
        if is_clock_off(error):
            self._anomalies.note("clock_off", why=words_of(error))

    def readable(self, read: Callable[..., _Found], row: Any, **facts: Any) -> _Found:
        try:
            return read(row, now=self._clock.now(), **facts)
        except Unreadable as error:
            self._anomalies.note("order_unreadable", why=str(error))
            raise

    async def _closed(self, symbol: str, rows: Sequence[Row]) -> list[OrderReport]:
        """Fetch a market's trades at once, then an order's own trades if some are missing."""
        found = [(row, report) for row in rows if (report := self._report_of(row)) is not None]
        traded = [row for row, report in found if report.filled]
        trades = await self._trades_of(traded, symbol) if traded else ()
        reports, left = [], _MOST_ASKED_ALONE
        for row, report in found:
            whole = replace(report, fills=self._fills_in(_of_order(trades, row)))
            if left and _lacks_trades(whole):
                left -= 1
                whole = replace(report, fills=await self._fills(row))
            reports.append(whole)
        return reports

    def _report_of(self, row: Row) -> OrderReport | None:
        try:
            return self.readable(answered, row)
        except Unreadable:
            return None

    async def whole(self, row: Row, **facts: Any) -> OrderReport:
        """The order's report, with its trades if it has any."""
        report = self.readable(answered, row, **facts)
        if not report.filled:
            return report
        known = self._fills_known.get(report.name, ())
        if money.total(fill.amount for fill in known) == report.filled:
            return replace(report, fills=known)
        found = replace(report, fills=await self._fills(row))
        self._fills_known[report.name] = found.fills
        return found

    async def _search(self, call: Call, key: OrderKey) -> Row | None:
        if not offers(self._session.client, call.method):
            if call.is_optional:
                return None
            name = self._session.quirks.exchange
            raise ExchangeDoubt(f"{name} offers no {call.method}: not looked up")
        try:
            answer = await self._asked_for(call, key)
        except Exception as error:
            if is_order_missing(error) or self._says_missing(call, error):
                return None
            raise self.failure(error) from error
        if call.is_direct and self._session.quirks.misses_with_nothing and not answer["info"]:
            return None
        rows: Iterable[Any] = (answer,) if call.is_direct else answer
        found = [self._session.quirks.named(row) for row in rows if isinstance(row, Mapping)]
        if call.is_direct and not any(is_this(row, key) for row in found):
            raise Unreadable("the exchange answered with another order than was asked for")
        return next((row for row in found if is_this(row, key)), None)

    async def _asked_for(self, call: Call, key: OrderKey) -> Any:
        """The answer; as many of its pages as it takes, if it is a whole list to look through."""
        if not call.is_unfiltered:
            return await self._session.ask(Priority.LOOKUP, call)
        quirks = self._session.quirks
        is_of_open = call.method == "fetch_open_orders"
        style = quirks.open_order_pages if is_of_open else quirks.closed_order_pages
        *before, _, params = call.arguments

        async def ask(limit: int | None, page: Params) -> Sequence[Row]:
            paged = replace(call, arguments=with_page(before, limit, page))
            rows: Sequence[Row] = await self._session.ask(Priority.LOOKUP, paged)
            return rows

        return await all_rows(ask, UntilFound(key=key, quirks=quirks, style=style), params)

    def _says_missing(self, call: Call, error: Exception) -> bool:
        """Only an order that was asked for by its id can be said to be missing."""
        return call.is_direct and says_one_of(error, self._session.quirks.missing_words)

    async def _require_no_trades(self, key: OrderKey) -> None:
        """Raise ExchangeDoubt if an order that no list contains has trades: then it does exist."""
        if self._session.quirks.is_known or key.exchange_order_id is None:
            return
        rows = await self.read(Priority.LOOKUP, "fetch_my_trades", key.symbol)
        if any(row.get("order") == key.exchange_order_id for row in rows):
            raise ExchangeDoubt("the exchange lists trades of the order and not the order")

    async def _fills(self, row: Row) -> tuple[FillReport, ...]:
        """The order's trades; empty if they cannot be read, and then the totals stand for them."""
        if self._named_trades.is_used:
            return self._fills_in(await self._named_trades.of([row]))
        quirks, name, symbol = self._session.quirks, row.get("id"), row.get("symbol")
        if quirks.order_trades_key is not None:
            call = Call(method="fetch_my_trades", arguments=(symbol,))
            params = {quirks.order_trades_key: [name] if quirks.order_trades_in_list else name}
            trades = await self._of_one_order(call, row, params)
        elif self._session.client.has.get("fetchOrderTrades") is True:
            call = Call(method="fetch_order_trades", arguments=(name, symbol))
            trades = await self._of_one_order(call, row, {})
        else:
            trades = await self._trades_of([row], symbol)
        return self._fills_in(_of_order(trades, row))

    async def _of_one_order(self, call: Call, row: Row, params: Params) -> Sequence[Row]:
        """A list of one order's trades, which needs a time only where lists have spans."""
        if self._session.quirks.list_span is None:
            return await self._trades(_from(call, None), params)
        return await self._in_spans(call, [row], params)

    async def _trades_of(self, rows: Sequence[Row], symbol: object) -> Sequence[Row]:
        """The market's trades since the oldest of these orders, or those that the orders name."""
        if self._named_trades.is_used:
            return await self._named_trades.of(rows)
        call = Call(method="fetch_my_trades", arguments=(symbol,))
        if not any(isinstance(row.get("timestamp"), int) for row in rows):
            return await self._trades(_from(call, None), {})
        return await self._in_spans(call, rows, {})

    async def _in_spans(self, call: Call, rows: Sequence[Row], params: Params) -> Sequence[Row]:
        found: list[Row] = []
        for start, until in self._spans(*traded_between(rows, self._clock.now())):
            found += await self._trades(_from(call, start), {**params, **until})
        return found

    async def _trades(self, call: Call, params: Params | None = None) -> Sequence[Row]:
        """All pages of a list of trades."""

        async def ask(limit: int | None, page: Params) -> Sequence[Row]:
            paged = replace(call, arguments=with_page(call.arguments, limit, page))
            rows: Sequence[Row] = await self._session.ask(Priority.LOOKUP, paged)
            return rows

        try:
            return await all_rows(ask, self._session.quirks.trade_pages, params)
        except Exception as error:  # noqa: BLE001 - the next lookup fetches them
            self._anomalies.note("trades_unanswered", why=str(failure_of_read(error)))
            return ()

    def _fills_in(self, rows: Sequence[Row]) -> tuple[FillReport, ...]:
        fills = fills_of(map(self._session.quirks.traded, rows))
        if len(fills) < len({row.get("id") for row in rows}):
            self._anomalies.note("trade_unreadable", told=len(rows), read=len(fills))
        if any(has_mixed_fees(row) for row in rows):
            self._anomalies.note("fee_in_several_currencies")
        return tuple(replace(fill, is_fee_final=True) for fill in fills)


def _lacks_trades(report: OrderReport) -> bool:
    known = money.total(fill.amount for fill in report.fills)
    return report.filled is not None and known < report.filled


def _from(call: Call, start: int | None) -> Call:
    return replace(call, arguments=(*call.arguments, start))


def _is_open(row: Row) -> bool:
    return row.get("status") == "open"


def _of_order(trades: Iterable[Row], row: Row) -> list[Row]:
    return [trade for trade in trades if trade.get("order") == row.get("id")]


def _closed_lists(client: Any) -> tuple[str, ...]:
    """The methods that together list every closed order once."""
    if offers(client, "fetch_canceled_and_closed_orders"):
        return ("fetch_canceled_and_closed_orders",)
    apart = ("fetch_closed_orders", "fetch_canceled_orders")
    return tuple(method for method in apart if offers(client, method))
