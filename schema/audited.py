"""The field extension of mutations: checks the token's scope and writes the audit entry."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver

from app.domain.access.audit import AuditOutcome, AuditResult, AuditSubject
from app.domain.access.tokens import Scope
from app.services.access.audit import Attempt, acting
from schema import ids
from schema.context import Context, Info
from schema.errors import audit_result
from schema.types.order_results import OrderSuccess, PlaceOrderSuccess
from schema.types.orders import Refusal
from schema.types.positions import PositionSuccess
from schema.types.tokens import CreateTokenSuccess, RevokeTokenSuccess

T = TypeVar("T")


def changes(scope: Scope) -> list[FieldExtension]:
    """The extensions of a mutation that needs this scope."""
    return [Audited(scope)]


class Audited(FieldExtension):
    """Refuses a mutation to a token without the scope; each attempt is one audit entry."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any
    ) -> Any:
        context = info.context
        audit = context.services.audit
        attempt = audit.attempt(context.viewer, info.field_name, context.request_id)

        async def act() -> Any:
            context.require(self._scope)
            return await next_(source, info, **kwargs)

        return await audited(context, attempt, act)


async def audited(context: Context, attempt: Attempt, act: Callable[[], Awaitable[T]]) -> T:
    """Act, and write how the attempt ended."""
    audit = context.services.audit
    try:
        with acting(attempt):
            result = await act()
    except Exception as error:
        await audit.ended(attempt, audit_result(error))
        raise
    if isinstance(result, Refusal):
        subject = None if result.order is None else AuditSubject.order(result.order.id)
        code = str(result.code)
        await audit.ended(
            attempt, AuditResult(outcome=AuditOutcome.REFUSED, code=code, subject=subject)
        )
    else:
        await audit.done(attempt, _subject_of(result))
    return result


def _subject_of(result: object) -> AuditSubject | None:
    match result:
        case PlaceOrderSuccess() | OrderSuccess():
            return AuditSubject.order(result.order.value.id)
        case PositionSuccess():
            return AuditSubject.position(result.position.key)
        case CreateTokenSuccess() | RevokeTokenSuccess():
            return AuditSubject.token(ids.decode(result.token.id, ids.Kind.TOKEN))
        case _:
            return None
