"""What a trader can do with a position: close it by an order, and set its metadata."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.bus import Topic
from app.domain import money
from app.domain.access.audit import AuditSubject
from app.domain.markets.dust import is_dust, tradable
from app.domain.markets.markets import Market
from app.domain.order_kinds import OrderSide
from app.domain.orders.closing import closing_order
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
        is_external: bool = False,
    ) -> OrderRequest:
        """The order that closes all or part of it; a replay gets the order of the first time.

        What came from outside is closed only if it is asked for.
        """
        if known is not None:
            amount = amount or known.amount
        elif amount is None:
            amount = await self._whole_amount(held, is_external=is_external)
        else:
            deny(_too_much(held, amount, is_external=is_external))
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

    async def closable(self, held: ValuedPosition, *, is_external: bool) -> Decimal | None:
        """How much of it can be closed; None if that is nothing, or dust."""
        market = await self._market(held)
        amount = (held.amount if is_external else held.own_amount).copy_abs()
        price = None if held.mark is None else held.mark.price
        return None if is_dust(amount, market, price) else tradable(amount, market)

    async def _whole_amount(self, held: ValuedPosition, *, is_external: bool) -> Decimal:
        whole = held.amount if is_external else held.own_amount
        amount = tradable(whole.copy_abs(), await self._market(held))
        if amount == money.ZERO:
            deny(_nothing_to_close(held, whole))
        return amount

    async def _market(self, held: ValuedPosition) -> Market | None:
        markets = await self._accounts.get(held.key.account).gateway.markets()
        return markets.get(held.key.symbol)


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


def _too_much(held: ValuedPosition, amount: Decimal, *, is_external: bool) -> Refusal | None:
    most = (held.amount if is_external else held.own_amount).copy_abs()
    if money.ZERO < amount <= most:
        return None
    message = f"amount takes more than 0 and at most the {money.plain(most)} that are open"
    if most < held.amount.copy_abs():
        message = (
            f"amount takes more than 0 and at most the {money.plain(most)} that were traded here;"
            " closeExternal closes what came from outside too"
        )
    return Refusal(code=RefusalCode.INVALID_INPUT, message=message, field=("amount",))


def _nothing_to_close(held: ValuedPosition, whole: Decimal) -> Refusal:
    if held.amount and not whole:
        message = "all of the position came from outside: closeExternal closes it"
        return Refusal(code=RefusalCode.INVALID_STATE, message=message, field=("closeExternal",))
    if held.amount:
        message = "what is left of the position is less than the market's step: it cannot be traded"
        return Refusal(code=RefusalCode.PRECISION, message=message)
    return Refusal(code=RefusalCode.ALREADY_CLOSED, message="the position is closed already")
