"""Order previews: the refusal, cost and checks that placing an order would have."""

from decimal import Decimal

import strawberry

from app.domain.checks import CheckResult
from app.domain.orders.requests import OrderRequest
from app.services.orders.previews import Preview
from schema.context import Info
from schema.errors import prefixed
from schema.types.order_inputs import PlaceOrderInput
from schema.types.order_results import or_refusal
from schema.types.orders import Fee, Refusal


@strawberry.type
class OrderCheck:
    name: str
    passed: bool
    limit: str | None
    actual: str | None
    message: str | None

    @classmethod
    def of(cls, checked: CheckResult) -> "OrderCheck":
        return cls(
            name=checked.name,
            passed=checked.has_passed,
            limit=checked.limit,
            actual=checked.actual,
            message=checked.message,
        )


@strawberry.type
class OrderPreview:
    refusal: Refusal | None
    notional: Decimal | None
    estimated_fee: Fee | None
    checks: list[OrderCheck]

    @classmethod
    def of(cls, preview: Preview) -> "OrderPreview":
        refusal = preview.refusal
        fee = preview.estimated_fee
        return cls(
            refusal=None
            if refusal is None
            else Refusal.of(prefixed(refusal, "input"), preview.existing_order),
            notional=preview.notional,
            estimated_fee=None if fee is None else Fee.of(fee),
            checks=[OrderCheck.of(checked) for checked in preview.checks],
        )

    @classmethod
    def unreadable(cls, refusal: Refusal) -> "OrderPreview":
        """The preview of an input that cannot be read, such as one with an unknown account."""
        name = refusal.field[-1] if refusal.field else "input"
        check = OrderCheck(
            name=name, passed=False, limit=None, actual=None, message=refusal.message
        )
        return cls(refusal=refusal, notional=None, estimated_fee=None, checks=[check])


async def preview_order(info: Info, input: PlaceOrderInput) -> OrderPreview:
    request = await or_refusal(_read(info, input), "input")
    if isinstance(request, Refusal):
        return OrderPreview.unreadable(request)
    return OrderPreview.of(await info.context.services.orders.preview(request))


async def _read(info: Info, input: PlaceOrderInput) -> OrderRequest:
    return input.to_domain(info.context)
