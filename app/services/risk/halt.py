"""Halting trading (kill switch): denies new orders, cancels open ones and reports on each."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.bus import Topic
from app.domain.checks import invalid
from app.domain.order_kinds import OrderSource
from app.domain.orders import refusals
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order, OrderStatus
from app.domain.portfolio.valuations import ValuedPosition
from app.domain.reasons import REASON, is_reason
from app.domain.risk.limits import TradingState, TradingStateRecord
from app.errors import Denied, Refusal, RefusalCode
from app.ports import Clock
from app.services.access.audit import acting
from app.services.accounts import AccountService
from app.services.orders.cancels import cancel_each
from app.services.orders.gate import OrderGate, deny
from app.services.orders.service import CLOSING, OrderService
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.position_actions import PositionActions
from app.services.portfolio.positions import PositionFilter, PositionService
from app.services.risk.scope import HaltScope, restrict
from app.storage.database import Database, Transaction

_OURS = frozenset({OrderSource.API, OrderSource.BOT})


@dataclass(frozen=True, kw_only=True, slots=True)
class HaltOptions:
    """What a halt does besides denying new orders."""

    cancel_open: bool = True
    cancel_external: bool = False
    close_positions: bool = False

    def cancels(self, order: Order) -> bool:
        """Whether this open order is to be canceled."""
        return self.cancel_open and (order.source in _OURS or self.cancel_external)


@dataclass(kw_only=True, slots=True)
class HaltReport:
    """The outcome: each order that was open is in one list, and each failure in the last."""

    canceled: list[Order] = field(default_factory=list)
    closing: list[Order] = field(default_factory=list)
    failed: list[Denied] = field(default_factory=list)


class HaltService:
    """Halts trading; halting again is safe, and does only what is not done yet."""

    def __init__(
        self,
        *,
        database: Database,
        accounts: AccountService,
        gate: OrderGate,
        orders: OrderService,
        positions: PositionService,
        actions: PositionActions,
        views: ConsistentViews,
        clock: Clock,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._gate = gate
        self._orders = orders
        self._positions = positions
        self._actions = actions
        self._views = views
        self._clock = clock

    async def halt(self, halt_scope: HaltScope, reason: str, options: HaltOptions) -> HaltReport:
        """From the commit on no order passes the gate; those being sent are canceled on arrival."""
        if not is_reason(reason):
            deny(invalid("reason", REASON))
        async with self._database.transaction() as tx:
            await self.latch(tx, halt_scope, reason)
            await tx.attempted(halt_scope.subject)
        report = HaltReport()
        # The audit entry records the halt, independent of the outcome for single orders.
        with acting(None):
            await self.cancel(halt_scope.accounts, options, report)
            if options.close_positions:
                await self.flatten(halt_scope.accounts, report)
        return report

    async def latch(self, tx: Transaction, halt_scope: HaltScope, reason: str) -> None:
        """Set HALTED in this transaction: no order passes the gate once it is committed."""
        now = self._clock.now()
        standing = TradingStateRecord(state=TradingState.HALTED, reason=reason, since=now)
        await restrict(tx, halt_scope, standing)
        tx.announce(Topic.FEED)
        tx.after_commit(self._gate.note_halt)

    async def cancel(
        self, accounts: Iterable[str], options: HaltOptions, report: HaltReport
    ) -> None:
        """Cancel the open orders that the options include, and report the others as left open."""
        open_here = OrderFilter(accounts=frozenset(accounts), open=True)
        async with self._database.snapshot() as view:
            open_orders = await view.orders.matching(open_here)
        for order in open_orders:
            if not options.cancels(order):
                report.failed.append(Denied(_left_open(order), existing_order=order))
        canceled, failed = await cancel_each(filter(options.cancels, open_orders), self._cancel)
        report.canceled += canceled
        report.failed += failed

    async def flatten(self, accounts: Iterable[str], report: HaltReport) -> None:
        """Close every position by a market order."""
        wanted = PositionFilter(accounts=frozenset(accounts))
        names = frozenset(accounts)
        async with self._views.open(names, self._positions.asked_for(names, wanted)) as view:
            held = (await self._positions.read(view, wanted)).nodes
        for position in held:
            try:
                report.closing.append(await self._close(position))
            except Denied as denied:
                report.failed.append(denied)

    async def _cancel(self, order: Order) -> Order:
        """Cancel one order, and wait for the exchange to confirm it."""
        order = await self._orders.until_closed(await self._orders.cancel(order.id))
        if order.is_open:
            raise Denied(_unanswered(), existing_order=order)
        if order.status not in {OrderStatus.CANCELED, OrderStatus.EXPIRED}:
            raise refusals.already_closed(order)
        return order

    async def _close(self, held: ValuedPosition) -> Order:
        new_id = self._orders.new_client_order_id()
        request = await self._actions.closing(held, None, new_id, known=None)
        return (await self._orders.place(request, placement=CLOSING)).order


def _left_open(order: Order) -> Refusal:
    why = (
        "it was placed elsewhere: cancelExternal cancels those too"
        if order.source is OrderSource.EXTERNAL
        else "cancelOpenOrders was not asked for"
    )
    return Refusal(
        code=RefusalCode.INVALID_STATE, message=f"the order was left open: {why}", retryable=True
    )


def _unanswered() -> Refusal:
    return Refusal(
        code=RefusalCode.EXCHANGE_UNAVAILABLE,
        message="the exchange has not confirmed the cancellation yet: it is tried until it has",
        retryable=True,
    )
