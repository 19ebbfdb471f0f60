"""What a trader can do with a position: close it by an order, and set its metadata."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.bus import Topic
from app.domain import money
from app.domain.access.audit import AuditSubject
from app.domain.order_kinds import OrderSide
from app.domain.orders.closing import closing_order, tradable
from app.domain.orders.order import Order
from app.domain.orders.requests import OrderRequest, check_metadata
from app.domain.portfolio.positions import Position, PositionKey
from app.domain.portfolio.valuations import PositionSide, ValuedPosition
from app.errors import Denied, Refusal, RefusalCode
from app.ports import Clock
from app.services.accounts import AccountService
from app.services.orders.gate import deny
from app.storage.database import Database


class PositionActions:
    """What a trader can do with a position."""

    def __init__(self, database: Database, accounts: AccountService, clock: Clock) -> None:
        self._database = database
        self._accounts = accounts
        self._clock = clock

    async def closing(
        self,
        held: ValuedPosition,
        amount: Decimal | None,
        client_order_id: str,
        *,
        known: Order | None,
    ) -> OrderRequest:
        """The order that closes all or part of it; a replay gets the order of the first time."""
        if known is not None:
            amount = amount or known.amount
        elif amount is None:
            amount = await self._whole_amount(held)
        else:
            deny(_too_much(held, amount))
        return closing_order(held.key, _closing_side(held, known), amount, client_order_id)

    async def set_metadata(self, key: PositionKey, metadata: Mapping[str, Any]) -> Position:
        """Set the metadata; a position from outside, not stored so far, is stored for it."""
        deny(check_metadata(metadata))
        async with self._database.transaction() as tx:
            known = await tx.positions.lock(key)
            before = known or Position(key=key, updated_at=self._clock.now())
            after = replace(before, metadata=metadata)
            if after != known:
                await tx.positions.save(after)
                tx.announce(Topic.FEED)
                await tx.attempted(AuditSubject.position(key))
        return after

    async def _whole_amount(self, held: ValuedPosition) -> Decimal:
        markets = await self._accounts.get(held.key.account).gateway.markets()
        amount = tradable(held.amount.copy_abs(), markets.get(held.key.symbol))
        if amount == money.ZERO:
            deny(_nothing_to_close(held))
        return amount


def unknown_position() -> Denied:
    refusal = Refusal(
        code=RefusalCode.NOT_FOUND, message="there is no such position", field=("id",)
    )
    return Denied(refusal)


def _closing_side(held: ValuedPosition, known: Order | None) -> OrderSide:
    """The side that closes the position; a replay keeps the side of the first time."""
    if known is not None and known.reduce_only:
        return known.side
    return OrderSide.SELL if held.side is PositionSide.LONG else OrderSide.BUY


def _too_much(held: ValuedPosition, amount: Decimal) -> Refusal | None:
    whole = held.amount.copy_abs()
    if money.ZERO < amount <= whole:
        return None
    message = f"amount takes more than 0 and at most the {money.plain(whole)} that are open"
    return Refusal(code=RefusalCode.INVALID_INPUT, message=message, field=("amount",))


def _nothing_to_close(held: ValuedPosition) -> Refusal:
    if held.amount:
        message = "what is left of the position is less than the market's step: it cannot be traded"
        return Refusal(code=RefusalCode.PRECISION, message=message)
    return Refusal(code=RefusalCode.ALREADY_CLOSED, message="the position is closed already")
