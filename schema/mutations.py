"""What can be changed."""

import strawberry

from app.domain import order_refusals
from app.domain.order_requests import OrderRequest
from app.domain.orders import Order as DomainOrder
from app.domain.tokens import Scope
from app.errors import BadInput
from schema import ids
from schema.context import Info, needs
from schema.errors import Refusal, refusable
from schema.order_inputs import (
    CancelAllOrdersInput,
    CancelOrderInput,
    OrderReference,
    PlaceOrderInput,
    as_metadata,
)
from schema.orders import (
    CancelAllOrdersPayload,
    Order,
    OrderResult,
    OrderSuccess,
    PlaceOrderResult,
    PlaceOrderSuccess,
)
from schema.queries import find_order
from schema.scalars import JSON
from schema.tokens import (
    ApiToken,
    CreateTokenInput,
    CreateTokenResult,
    CreateTokenSuccess,
    RevokeTokenResult,
    RevokeTokenSuccess,
)

MAX_BATCH = 100
_TRADE = needs(Scope.TRADE)
_ADMIN = needs(Scope.ADMIN)


@strawberry.type
class Mutation:
    @strawberry.mutation(extensions=_TRADE)
    async def place_order(self, info: Info, input: PlaceOrderInput) -> PlaceOrderResult:
        request = await refusable(_read, "input")(info, input)
        return await refusable(_place, "input")(info, request)

    @strawberry.mutation(extensions=_TRADE)
    async def place_orders(
        self, info: Info, inputs: list[PlaceOrderInput]
    ) -> list[PlaceOrderResult]:
        if not 1 <= len(inputs) <= MAX_BATCH:
            raise BadInput(
                f"inputs takes 1 to {MAX_BATCH} orders and has {len(inputs)}", field=("inputs",)
            )
        # All are read before the first is placed: an error leaves nothing behind.
        requests = [
            await refusable(_read, "inputs", str(index))(info, one)
            for index, one in enumerate(inputs)
        ]
        return [
            await refusable(_place, "inputs", str(index))(info, request)
            for index, request in enumerate(requests)
        ]

    @strawberry.mutation(extensions=_TRADE)
    async def cancel_order(self, info: Info, input: CancelOrderInput) -> OrderResult:
        return await refusable(_cancel, "input")(info, input)

    @strawberry.mutation(extensions=_TRADE)
    async def cancel_all_orders(
        self, info: Info, input: CancelAllOrdersInput | None = None
    ) -> CancelAllOrdersPayload:
        wanted = (input or CancelAllOrdersInput()).to_domain(info.context)
        canceled, failed = await info.context.services.orders.cancel_all(wanted)
        return CancelAllOrdersPayload(
            canceled=[Order.of(order) for order in canceled],
            failed=[Refusal.of_denied(denied) for denied in failed],
        )

    @strawberry.mutation(extensions=_TRADE)
    async def set_order_metadata(
        self, info: Info, id: strawberry.ID, metadata: JSON
    ) -> OrderResult:
        return await refusable(_set_metadata)(info, id, metadata)

    @strawberry.mutation(extensions=_ADMIN)
    async def create_token(self, info: Info, input: CreateTokenInput) -> CreateTokenResult:
        return await refusable(_create_token, "input")(info, input)

    @strawberry.mutation(extensions=_ADMIN)
    async def revoke_token(self, info: Info, id: strawberry.ID) -> RevokeTokenResult:
        return await refusable(_revoke_token)(info, id)


async def _read(info: Info, input: PlaceOrderInput) -> OrderRequest:
    return input.to_domain(info.context)


async def _place(info: Info, request: OrderRequest | Refusal) -> PlaceOrderSuccess | Refusal:
    if isinstance(request, Refusal):
        return request
    placed = await info.context.services.orders.place(request)
    return PlaceOrderSuccess(order=Order.of(placed.order), replayed=placed.replayed)


async def _cancel(info: Info, input: CancelOrderInput) -> OrderSuccess:
    order = await _existing_order(info, input.reference())
    return OrderSuccess(order=Order.of(await info.context.services.orders.cancel(order.id)))


async def _set_metadata(info: Info, id: strawberry.ID, metadata: JSON) -> OrderSuccess:
    order = await _existing_order(info, OrderReference.of(id, None, None))
    changed = await info.context.services.orders.set_metadata(order.id, as_metadata(metadata))
    return OrderSuccess(order=Order.of(changed))


async def _existing_order(info: Info, reference: OrderReference) -> DomainOrder:
    order = await find_order(info, reference)
    if order is None:
        raise order_refusals.not_found("id" if reference.order_id else "clientOrderId")
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
    revoked = await info.context.services.auth.revoke(ids.decode(id, ids.Kind.TOKEN))
    return RevokeTokenSuccess(token=ApiToken.of(revoked))
