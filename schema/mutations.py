"""The Mutation type: placing and changing orders, closing positions, the bot, rules and tokens."""

from collections.abc import Sequence
from functools import partial

import strawberry

from app.domain.access.tokens import Scope
from app.domain.orders import refusals
from app.domain.orders.order import Order as DomainOrder
from app.domain.orders.requests import OrderRequest
from app.domain.risk.clearings import HaltOptions
from app.errors import BadInput
from app.primitives.lanes import Lanes, side_by_side
from app.services.orders.service import ORDERS_AT_ONCE
from schema import ids
from schema.audited import audited, changes
from schema.context import Info
from schema.queries import find_order
from schema.scalars import JSON
from schema.types.bots import (
    BotResult,
    StartBotInput,
    StopBotInput,
    pause_bot,
    resume_bot,
    start_bot,
    stop_bot,
)
from schema.types.order_inputs import (
    AmendOrderInput,
    CancelAllOrdersInput,
    CancelOrderInput,
    OrderReference,
    PlaceOrderInput,
    as_metadata,
)
from schema.types.order_results import (
    CancelAllOrdersPayload,
    OrderResult,
    OrderSuccess,
    PlaceOrderResult,
    PlaceOrderSuccess,
    or_refusal,
)
from schema.types.orders import Order, Refusal
from schema.types.positions import ClosePositionInput, PositionResult, closing_request
from schema.types.positions import set_metadata as set_position_metadata
from schema.types.reconciliations import ReconcilePayload, reconcile
from schema.types.risks import (
    HaltPayload,
    RiskLimitsInput,
    RiskResult,
    arm_dead_man_switch,
    configure_risk,
    disarm_dead_man_switch,
    halt_trading,
    reduce_trading,
    resume_trading,
)
from schema.types.tokens import (
    ApiToken,
    CreateTokenInput,
    CreateTokenResult,
    CreateTokenSuccess,
    RevokeTokenResult,
    RevokeTokenSuccess,
)
from schema.types.trading_windows import TradingWindowInput, TradingWindowResult, configure_window

MAX_BATCH = 100
_TRADE = changes(Scope.TRADE)
_CONTROL = changes(Scope.CONTROL)
_ADMIN = changes(Scope.ADMIN)


@strawberry.type
class Mutation:
    @strawberry.mutation(extensions=_TRADE)
    async def place_order(self, info: Info, input: PlaceOrderInput) -> PlaceOrderResult:
        info.context.require_orders()
        return await or_refusal(_place_from(info, input), "input")

    @strawberry.mutation(extensions=_TRADE)
    async def place_orders(
        self, info: Info, inputs: list[PlaceOrderInput]
    ) -> list[PlaceOrderResult]:
        info.context.require_orders()
        if not 1 <= len(inputs) <= MAX_BATCH:
            raise BadInput(
                f"inputs takes 1 to {MAX_BATCH} orders and has {len(inputs)}", field=("inputs",)
            )
        # All inputs are read before the first order is placed: an error places none of them.
        requests = [
            await or_refusal(_read(info, order), "inputs", str(index))
            for index, order in enumerate(inputs)
        ]
        return await _place_side_by_side(info, requests)

    @strawberry.mutation(extensions=_TRADE)
    async def amend_order(self, info: Info, input: AmendOrderInput) -> OrderResult:
        return await or_refusal(_amend(info, input), "input")

    @strawberry.mutation(extensions=_TRADE)
    async def cancel_order(self, info: Info, input: CancelOrderInput) -> OrderResult:
        return await or_refusal(_cancel(info, input), "input")

    @strawberry.mutation(extensions=_TRADE)
    async def cancel_all_orders(
        self, info: Info, input: CancelAllOrdersInput | None = None
    ) -> CancelAllOrdersPayload:
        wanted = (input or CancelAllOrdersInput()).to_domain(info.context)
        canceled, failed = await info.context.services.orders.cancel_all(wanted)
        return CancelAllOrdersPayload(
            canceled=[Order.of(order) for order in canceled],
            failed=[Refusal.of_denied(denied) for denied in failed],
            under_way=[Order.of(order) for order in canceled if order.is_open],
        )

    @strawberry.mutation(extensions=_TRADE)
    async def set_order_metadata(
        self, info: Info, id: strawberry.ID, metadata: JSON
    ) -> OrderResult:
        return await or_refusal(_set_metadata(info, id, metadata))

    @strawberry.mutation(extensions=_TRADE)
    async def close_position(self, info: Info, input: ClosePositionInput) -> PlaceOrderResult:
        return await or_refusal(_close(info, input), "input")

    @strawberry.mutation(extensions=_TRADE)
    async def set_position_metadata(
        self, info: Info, id: strawberry.ID, metadata: JSON
    ) -> PositionResult:
        return await or_refusal(set_position_metadata(info, id, metadata))

    @strawberry.mutation(extensions=_TRADE)
    async def reconcile(self, info: Info, account: str | None = None) -> ReconcilePayload:
        return await reconcile(info, account)

    @strawberry.mutation(extensions=_CONTROL)
    async def start_bot(self, info: Info, input: StartBotInput | None = None) -> BotResult:
        return await or_refusal(start_bot(info, input), "input")

    @strawberry.mutation(extensions=_CONTROL)
    async def pause_bot(self, info: Info) -> BotResult:
        return await or_refusal(pause_bot(info))

    @strawberry.mutation(extensions=_CONTROL)
    async def resume_bot(self, info: Info) -> BotResult:
        return await or_refusal(resume_bot(info))

    @strawberry.mutation(extensions=_CONTROL)
    async def stop_bot(self, info: Info, input: StopBotInput | None = None) -> BotResult:
        return await or_refusal(stop_bot(info, input), "input")

    @strawberry.mutation(extensions=_CONTROL)
    async def configure_trading_window(
        self, info: Info, input: TradingWindowInput
    ) -> TradingWindowResult:
        return await or_refusal(configure_window(info, input), "input")

    @strawberry.mutation(extensions=_CONTROL)
    async def configure_risk(self, info: Info, input: RiskLimitsInput) -> RiskResult:
        return await or_refusal(configure_risk(info, input), "input")

    @strawberry.mutation(extensions=_CONTROL)
    async def halt_trading(
        self,
        info: Info,
        reason: str,
        *,
        cancel_open_orders: bool = True,
        cancel_external: bool = False,
        close_positions: bool = False,
        close_external: bool = False,
    ) -> HaltPayload:
        wish = HaltOptions(
            cancel_open=cancel_open_orders,
            cancel_external=cancel_external,
            close_positions=close_positions,
            close_external=close_external,
        )
        return await halt_trading(info, reason, wish)

    @strawberry.mutation(extensions=_CONTROL)
    async def reduce_trading(self, info: Info, reason: str) -> RiskResult:
        return await or_refusal(reduce_trading(info, reason))

    @strawberry.mutation(extensions=_CONTROL)
    async def resume_trading(self, info: Info) -> RiskResult:
        return await or_refusal(resume_trading(info))

    @strawberry.mutation(extensions=_TRADE)
    async def arm_dead_man_switch(self, info: Info, timeout_seconds: int) -> RiskResult:
        return await or_refusal(arm_dead_man_switch(info, timeout_seconds))

    @strawberry.mutation(extensions=_TRADE)
    async def disarm_dead_man_switch(self, info: Info) -> RiskResult:
        return await or_refusal(disarm_dead_man_switch(info))

    @strawberry.mutation(extensions=_ADMIN)
    async def create_token(self, info: Info, input: CreateTokenInput) -> CreateTokenResult:
        return await or_refusal(_create_token(info, input), "input")

    @strawberry.mutation(extensions=_ADMIN)
    async def revoke_token(self, info: Info, id: strawberry.ID) -> RevokeTokenResult:
        return await or_refusal(_revoke_token(info, id))


async def _read(info: Info, input: PlaceOrderInput) -> OrderRequest:
    return input.to_domain(info.context)


async def _place_from(info: Info, input: PlaceOrderInput) -> PlaceOrderSuccess | Refusal:
    return await _place(info, input.to_domain(info.context))


async def _place_side_by_side(
    info: Info, requests: Sequence[OrderRequest | Refusal]
) -> list[PlaceOrderSuccess | Refusal]:
    """Place each after those before it in the same market or with the same id, and no others."""
    context, lanes = info.context, Lanes(ORDERS_AT_ONCE)
    # Each has an audit entry of its own; made here, they are in the order of the inputs.
    attempts = [context.services.audit.part() for _ in requests]

    async def place(index: int, request: OrderRequest | Refusal) -> PlaceOrderSuccess | Refusal:
        async with lanes.turn(*_keys_of(request)):
            act = partial(_place_one, info, index, request)
            return await audited(context, attempts[index], act)

    return await side_by_side(place(*numbered) for numbered in enumerate(requests))


def _keys_of(request: OrderRequest | Refusal) -> tuple[tuple[str, str, str], ...]:
    if isinstance(request, Refusal):
        return ()
    return (
        ("market", request.account, request.symbol),
        ("client order id", request.account, request.client_order_id),
    )


async def _place_one(
    info: Info, index: int, request: OrderRequest | Refusal
) -> PlaceOrderSuccess | Refusal:
    return await or_refusal(_place(info, request), "inputs", str(index))


async def _place(info: Info, request: OrderRequest | Refusal) -> PlaceOrderSuccess | Refusal:
    if isinstance(request, Refusal):
        return request
    placed = await info.context.services.orders.place(request)
    return PlaceOrderSuccess(order=Order.of(placed.order), replayed=placed.replayed)


async def _close(info: Info, input: ClosePositionInput) -> PlaceOrderSuccess | Refusal:
    request = await closing_request(info, input)
    return await _place(info, request)


async def _cancel(info: Info, input: CancelOrderInput) -> OrderSuccess:
    context = info.context
    order = await _existing_order(info, input.reference())
    canceled = await context.services.orders.cancel(order.id)
    return OrderSuccess(order=Order.of(canceled))


async def _amend(info: Info, input: AmendOrderInput) -> OrderSuccess:
    context = info.context
    order = await _existing_order(info, OrderReference.of(input.id, None, None))
    amended = await context.services.orders.amend(order.id, input.to_domain())
    return OrderSuccess(order=Order.of(amended))


async def _set_metadata(info: Info, id: strawberry.ID, metadata: JSON) -> OrderSuccess:
    context = info.context
    order = await _existing_order(info, OrderReference.of(id, None, None))
    changed = await context.services.orders.set_metadata(order.id, as_metadata(metadata))
    return OrderSuccess(order=Order.of(changed))


async def _existing_order(info: Info, reference: OrderReference) -> DomainOrder:
    order = await find_order(info, reference)
    if order is None:
        raise refusals.not_found("id" if reference.order_id else "clientOrderId")
    return order


async def _create_token(info: Info, input: CreateTokenInput) -> CreateTokenSuccess:
    context = info.context
    token, secret = await context.services.auth.create(
        name=input.name,
        scopes=input.scopes,
        account_names=input.account_names,
        expires_at=input.expires_at,
        granter=context.viewer,
    )
    return CreateTokenSuccess(token=ApiToken.of(token), secret=secret)


async def _revoke_token(info: Info, id: strawberry.ID) -> RevokeTokenSuccess:
    token_id = ids.decode(id, ids.Kind.TOKEN)
    revoked = await info.context.services.auth.revoke(token_id)
    return RevokeTokenSuccess(token=ApiToken.of(revoked))
