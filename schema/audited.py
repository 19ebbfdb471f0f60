"""Root fields of mutations: each asks for its scope, and leaves an entry in the audit."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver

from app.domain.access.audit import AuditOutcome, AuditResult, AuditSubject
from app.domain.access.tokens import Scope
from app.services.access.audit import Attempt, acting
from schema import ids
from schema.context import Context, Info
from schema.errors import ending_of
from schema.types.order_results import OrderSuccess, PlaceOrderSuccess
from schema.types.orders import Refusal
from schema.types.positions import PositionSuccess
from schema.types.tokens import CreateTokenSuccess, RevokeTokenSuccess

T = TypeVar("T")


def changes(scope: Scope) -> list[FieldExtension]:
    """What a root field of a mutation asks of the token, and what it leaves behind."""
    return [Audited(scope)]


class Audited(FieldExtension):
    """Refuses a field to a token without the scope; one attempt is one entry in the audit."""

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

        return await _audited(context, attempt, act)


async def part_of_attempt(info: Info, act: Callable[[], Awaitable[T]]) -> T:
    """One of several changes that a root field makes, with an entry of its own."""
    return await _audited(info.context, info.context.services.audit.part(), act)


async def _audited(context: Context, attempt: Attempt, act: Callable[[], Awaitable[T]]) -> T:
    audit = context.services.audit
    try:
        with acting(attempt):
            result = await act()
    except Exception as error:
        await audit.ended(attempt, ending_of(error))
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
