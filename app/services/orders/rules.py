"""Collects the facts for the rules of one order, inside the transaction that stores it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from app.domain import money
from app.domain.order_kinds import OrderSide, OrderSource, PositionType
from app.domain.orders import estimates
from app.domain.orders.amendments import most_remaining
from app.domain.orders.checks import ExchangeUnknown, RuleFacts
from app.domain.orders.entries import OpenEntry
from app.domain.orders.filters import OrderFilter
from app.domain.orders.market_checks import MarketFacts
from app.domain.orders.order import Order
from app.domain.orders.requests import OrderRequest
from app.domain.portfolio.positions import PositionKey
from app.domain.risk.limits import EntryFacts, Losses, RiskLimits
from app.domain.risk.rules import Rules
from app.domain.risk.trading_windows import HOUR, TradeCounts, TradingWindow, WindowState
from app.ports import Clock
from app.services.accounts import AccountService
from app.services.orders.recent_placements import RecentPlacements
from app.storage.database import Snapshot, Transaction

MINUTE = timedelta(minutes=1)
_MILLISECOND = timedelta(milliseconds=1)
_OURS = frozenset({OrderSource.API, OrderSource.BOT})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """The request being checked, the snapshot to read, and the order that it amends, if any."""

    view: Snapshot
    request: OrderRequest
    exchange: MarketFacts | ExchangeUnknown
    itself: Order | None = None


class OrderRules:
    """Collects what the trading window, the limits and the trading state are checked against."""

    def __init__(
        self, accounts: AccountService, clock: Clock, losses: Callable[[str], Losses | None]
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._losses = losses
        self.placed = RecentPlacements(clock)

    async def rule_facts(
        self,
        view: Snapshot,
        request: OrderRequest,
        exchange: MarketFacts | ExchangeUnknown,
        *,
        itself: Order | None = None,
    ) -> RuleFacts:
        """Read the facts; until the transaction ends, no other order passes, no rule changes."""
        held = view if isinstance(view, Transaction) else None
        rules = await (view.rules.read() if held is None else held.rules.hold())
        asked = _Asked(view=view, request=request, exchange=exchange, itself=itself)
        limits = self._limits(rules, request.account)
        is_reduction = await _reduces(asked)
        return RuleFacts(
            standing=rules.standing(request.account),
            is_reduction=is_reduction,
            window=None if is_reduction else await self._window(asked, rules.window),
            limits=limits,
            entry=None if is_reduction else await self._entry(asked, limits),
        )

    def _limits(self, rules: Rules, account: str) -> RiskLimits:
        """The limits, with the smaller of the global and the account's max_open_orders."""
        limits = (rules.limits.max_open_orders, self._accounts.get(account).max_open_orders)
        most = min((limit for limit in limits if limit is not None), default=None)
        return replace(rules.limits, max_open_orders=most)

    async def _window(self, asked: _Asked, window: TradingWindow) -> WindowState | None:
        """None if the window does not apply to this source. An amendment is not a new trade."""
        if not window.enabled or asked.request.source not in window.applies_to:
            return None
        now, trades = self._clock.now(), TradeCounts()
        if window.counts and asked.itself is None:
            if isinstance(asked.view, Transaction):
                await asked.view.rules.take_turn()
            trades = await asked.view.entries.trades(
                window.applies_to, window.day(now).began, now - HOUR
            )
        return WindowState(window=window, trades=trades, at=now)

    async def _entry(self, asked: _Asked, limits: RiskLimits) -> EntryFacts:
        request, known = asked.request, asked.exchange
        facts = EntryFacts(
            symbol=request.symbol,
            side=request.side,
            price=request.price,
            notional=None,
            open_orders=await self._open_orders(asked, limits),
            orders_this_minute=await self._orders_this_minute(asked, limits),
            losses=self._losses(request.account),
        )
        if isinstance(known, ExchangeUnknown):
            return facts
        last = None if known.ticker is None else known.ticker.last
        facts = replace(facts, last=last, notional=_notional(request, known))
        return await _with_sums(asked, facts, known) if limits.counts_money else facts

    async def _open_orders(self, asked: _Asked, limits: RiskLimits) -> int:
        if limits.max_open_orders is None or asked.itself is not None:
            return 0
        account = frozenset({asked.request.account})
        return await asked.view.orders.count(OrderFilter(accounts=account, open=True))

    async def _orders_this_minute(self, asked: _Asked, limits: RiskLimits) -> int:
        if limits.max_orders_per_minute is None or asked.itself is not None:
            return 0
        now, account = self._clock.now(), asked.request.account
        # The wall clock may have been set: orders of the future are not of this minute, and our
        # own are known without it.
        lately = OrderFilter(
            accounts=frozenset({account}),
            sources=_OURS,
            created_after=now - MINUTE,
            created_before=now + _MILLISECOND,
        )
        return max(await asked.view.orders.count(lately), self.placed.count(account))


async def _reduces(asked: _Asked) -> bool:
    """Whether the order, with other open reductions, only makes the position smaller."""
    request = asked.request
    if request.position_type is PositionType.SPOT:
        return request.side is OrderSide.SELL
    key = PositionKey(account=request.account, symbol=request.symbol, type=request.position_type)
    position = await asked.view.positions.find(key)
    held = money.ZERO if position is None else position.holding.amount
    if (held > 0) is (request.side is OrderSide.BUY) or not held:
        return False
    wanted = money.add(request.amount, money.total(await _open_reductions(asked)))
    return wanted <= held.copy_abs()


async def _open_reductions(asked: _Asked) -> list[Decimal]:
    """The most that each open reduction on this side can still trade."""
    request = asked.request
    # Read before the orders: an amendment settled in between counts twice, but is never missed.
    amendments = await asked.view.amendments.waiting(request.account)
    open_orders = await asked.view.orders.matching(
        OrderFilter(
            accounts=frozenset({request.account}),
            symbols=frozenset({request.symbol}),
            position_type=request.position_type,
            side=request.side,
            open=True,
        )
    )
    entries = {entry.order_id for entry in await asked.view.entries.open(request.account)}
    if asked.itself is not None:
        entries.add(asked.itself.id)
    return [most_remaining(order, amendments) for order in open_orders if order.id not in entries]


def _notional(request: OrderRequest, known: MarketFacts) -> Decimal | None:
    price = estimates.expected_price(request, known.ticker)
    if price is None or known.rate is None:
        return None
    return money.multiply(estimates.notional(request, price), known.rate)


async def _with_sums(asked: _Asked, facts: EntryFacts, known: MarketFacts) -> EntryFacts:
    itself = None if asked.itself is None else asked.itself.id
    entries = await asked.view.entries.open(asked.request.account)
    others = [entry for entry in entries if entry.order_id != itself]
    return replace(
        facts,
        open_notional=_total([entry.notional for entry in others]),
        position_notional=await _position_notional(asked, others, known, facts.last),
    )


async def _position_notional(
    asked: _Asked, others: list[OpenEntry], known: MarketFacts, last: Decimal | None
) -> Decimal | None:
    """The notional of the position plus that of open entries on the same side as this order."""
    request = asked.request
    kind = request.position_type
    key = PositionKey(account=request.account, symbol=request.symbol, type=kind)
    position = await asked.view.positions.find(key)
    held = money.ZERO if position is None else position.holding.amount
    signed = held if request.side is OrderSide.BUY else held.copy_negate()
    waiting = _total(
        [
            entry.notional
            for entry in others
            if (entry.symbol, entry.position_type, entry.side)
            == (request.symbol, kind, request.side)
        ]
    )
    if not signed:
        return waiting
    if waiting is None or last is None or known.rate is None:
        return None
    return money.add(waiting, money.multiply(money.multiply(signed, last), known.rate))


def _total(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return money.total(known) if len(known) == len(values) else None
