"""What the rules say of one order: read and held in the transaction that lets it in."""

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
from app.storage.database import Snapshot, Transaction

MINUTE = timedelta(minutes=1)
_OURS = frozenset({OrderSource.API, OrderSource.BOT})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """One order with where it is read, and what it is not to be counted with."""

    view: Snapshot
    request: OrderRequest
    exchange: MarketFacts | ExchangeUnknown
    itself: Order | None = None


class OrderRules:
    """Collects what window, limits and trading state are held against."""

    def __init__(
        self, accounts: AccountService, clock: Clock, losses: Callable[[str], Losses | None]
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._losses = losses

    async def facts(
        self,
        view: Snapshot,
        request: OrderRequest,
        exchange: MarketFacts | ExchangeUnknown,
        *,
        itself: Order | None = None,
    ) -> RuleFacts:
        """In a transaction nobody else lets an order in or changes a rule until the commit."""
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
        """The tighter one of what is set for all and in the settings of the account."""
        limits = (rules.limits.max_open_orders, self._accounts.get(account).max_open_orders)
        most = min((one for one in limits if one is not None), default=None)
        return replace(rules.limits, max_open_orders=most)

    async def _window(self, asked: _Asked, window: TradingWindow) -> WindowState | None:
        """None where it does not speak of such orders. An amendment is no new trade."""
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
        lately = OrderFilter(
            accounts=frozenset({asked.request.account}),
            sources=_OURS,
            created_after=self._clock.now() - MINUTE,
        )
        return await asked.view.orders.count(lately)


async def _reduces(asked: _Asked) -> bool:
    """It stands opposite to the position and, with other open reductions, not above its amount."""
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
    """What each of them may yet trade."""
    request = asked.request
    # Before the orders: what is settled in between is then counted twice and never not at all.
    amendments = await asked.view.amendments.waiting(request.account)
    open_ones = await asked.view.orders.matching(
        OrderFilter(
            accounts=frozenset({request.account}),
            symbols=frozenset({request.symbol}),
            position_type=request.position_type,
            side=request.side,
            open=True,
        )
    )
    entries = {one.order_id for one in await asked.view.entries.open(request.account)}
    if asked.itself is not None:
        entries.add(asked.itself.id)
    return [most_remaining(one, amendments) for one in open_ones if one.id not in entries]


def _notional(request: OrderRequest, known: MarketFacts) -> Decimal | None:
    price = estimates.expected_price(request, known.ticker)
    if price is None or known.rate is None:
        return None
    return money.multiply(estimates.notional(request, price), known.rate)


async def _with_sums(asked: _Asked, facts: EntryFacts, known: MarketFacts) -> EntryFacts:
    itself = None if asked.itself is None else asked.itself.id
    entries = await asked.view.entries.open(asked.request.account)
    others = [one for one in entries if one.order_id != itself]
    return replace(
        facts,
        open_notional=_total([one.notional for one in others]),
        position_notional=await _position_notional(asked, others, known, facts.last),
    )


async def _position_notional(
    asked: _Asked, others: list[OpenEntry], known: MarketFacts, last: Decimal | None
) -> Decimal | None:
    """What is held, and what open orders would add to it on the side of this one."""
    request = asked.request
    kind = request.position_type
    key = PositionKey(account=request.account, symbol=request.symbol, type=kind)
    position = await asked.view.positions.find(key)
    held = money.ZERO if position is None else position.holding.amount
    signed = held if request.side is OrderSide.BUY else held.copy_negate()
    waiting = _total(
        [
            one.notional
            for one in others
            if (one.symbol, one.position_type, one.side) == (request.symbol, kind, request.side)
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
