"""The kill switch: refuses every new order, cancels what is open, and accounts for each."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.bus import Topic
from app.domain import order_refusals
from app.domain.checks import invalid
from app.domain.filters import OrderFilter
from app.domain.orders import Order, OrderSource, OrderStatus
from app.domain.reasons import REASON, is_reason
from app.domain.risks import Standing, TradingState
from app.domain.valuations import Valued
from app.errors import Denied, Refusal, RefusalCode
from app.ports import Clock
from app.services.accounts import AccountService
from app.services.audit import Attempt
from app.services.cancels import cancel_each
from app.services.order_gate import OrderGate, deny
from app.services.orders import CLOSING, OrderService
from app.services.position_keeper import PositionKeeper
from app.services.positions import PositionFilter, PositionService
from app.services.reaches import Reach, restrict
from app.services.views import ViewService
from app.storage.database import Database, Transaction

_OURS = frozenset({OrderSource.API, OrderSource.BOT})


@dataclass(frozen=True, kw_only=True, slots=True)
class HaltWish:
    """What is to be done besides."""

    cancel_open: bool = True
    cancel_external: bool = False
    close_positions: bool = False

    def means(self, order: Order) -> bool:
        """Whether an open order is to be canceled."""
        return self.cancel_open and (order.source in _OURS or self.cancel_external)


@dataclass(kw_only=True, slots=True)
class HaltReport:
    """Each order that was open is in one of these, and whatever was not done."""

    canceled: list[Order] = field(default_factory=list)
    closing: list[Order] = field(default_factory=list)
    failed: list[Denied] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class HaltTools:
    """What it takes to stop everything."""

    database: Database
    accounts: AccountService
    gate: OrderGate
    orders: OrderService
    positions: PositionService
    keeper: PositionKeeper
    views: ViewService
    clock: Clock


class HaltService:
    """Can be asked again at any time: what is done already is not done twice."""

    def __init__(self, tools: HaltTools) -> None:
        self._tools = tools
        self._orders = tools.orders

    async def halt(
        self, reach: Reach, reason: str, wish: HaltWish, attempt: Attempt | None = None
    ) -> HaltReport:
        """From the commit on no order is let in; those on their way are canceled as they arrive."""
        if not is_reason(reason):
            deny(invalid("reason", REASON))
        async with self._tools.database.transaction() as tx:
            await self.latch(tx, reach, reason)
            if attempt is not None:
                await attempt.done(tx, reach.subject)
        report = HaltReport()
        await self.cancel(reach.accounts, wish, report)
        if wish.close_positions:
            await self.flatten(reach.accounts, report)
        return report

    async def latch(self, tx: Transaction, reach: Reach, reason: str) -> None:
        """No order is let in once this is committed."""
        now = self._tools.clock.now()
        standing = Standing(state=TradingState.HALTED, reason=reason, since=now)
        await restrict(tx, reach, standing)
        tx.announce(Topic.FEED)
        tx.after_commit(self._tools.gate.note_halt)

    async def cancel(self, accounts: Iterable[str], wish: HaltWish, report: HaltReport) -> None:
        """Cancel what is open and meant, and list the rest as left open."""
        open_here = OrderFilter(accounts=frozenset(accounts), open=True)
        async with self._tools.database.snapshot() as view:
            found = await view.orders.matching(open_here)
        for order in found:
            if not wish.means(order):
                report.failed.append(Denied(_left_open(order), existing_order=order))
        canceled, failed = await cancel_each(filter(wish.means, found), self._cancel)
        report.canceled += canceled
        report.failed += failed

    async def flatten(self, accounts: Iterable[str], report: HaltReport) -> None:
        """Close every position at the market."""
        wanted = PositionFilter(accounts=frozenset(accounts))
        async with self._tools.views.open(frozenset(accounts)) as view:
            held = (await self._tools.positions.read(view, wanted)).nodes
        for one in held:
            try:
                report.closing.append(await self._close(one))
            except Denied as denied:
                report.failed.append(denied)

    async def _cancel(self, order: Order) -> Order:
        """Cancel one, and wait for the exchange to confirm it."""
        order = await self._orders.until_closed(await self._orders.cancel(order.id))
        if order.is_open:
            raise Denied(_unanswered(), existing_order=order)
        if order.status not in {OrderStatus.CANCELED, OrderStatus.EXPIRED}:
            raise order_refusals.already_closed(order)
        return order

    async def _close(self, held: Valued) -> Order:
        new_id = self._orders.new_client_order_id()
        request = await self._tools.keeper.closing(held, None, new_id, known=None)
        return (await self._orders.place(request, errand=CLOSING)).order


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
