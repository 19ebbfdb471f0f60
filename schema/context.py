"""What a resolver may reach: the services, who is asking, and one instant to read from."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import strawberry
import structlog
from graphql import OperationType
from starlette.responses import Response
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver
from ulid import ULID

from app.domain.access.tokens import Scope, Token
from app.errors import Forbidden, RateLimited, Unauthenticated
from app.services import Services
from app.services.reads import View


@dataclass(kw_only=True)
class Context:
    """One request, or one operation of a socket."""

    services: Services
    token: Token | None = None
    address: str = "unknown"
    request_id: str = field(default_factory=lambda: _present_request() or str(ULID()))
    connection_params: Any = None
    # What an answer over HTTP says besides the data.
    response: Response | None = None
    # What the document may cost at most.
    cost: int = 0
    # The newest update of an order when it arrived.
    log_head: int | None = None
    # Whether it is a subscription, once that is known.
    is_endless: bool = False
    # Why no order may be placed just now, where nothing else of the document is refused.
    orders_refused: RateLimited | None = None
    _view: View | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def viewer(self) -> Token:
        if self.token is None:
            raise Unauthenticated("a token is needed")
        return self.token

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that exist for whoever is asking."""
        return self.services.accounts.names_visible(self.viewer)

    def require(self, scope: Scope) -> None:
        if not self.viewer.allows(scope):
            raise Forbidden(f"this needs a token with scope {scope}")

    def require_orders(self) -> None:
        if self.orders_refused is not None:
            raise self.orders_refused

    def for_operation(self) -> "Context":
        """The same asker, with an instant of its own, and a name of its own in the log."""
        request_id = str(ULID())
        structlog.contextvars.bind_contextvars(request_id=request_id)
        return Context(
            services=self.services,
            token=self.token,
            address=self.address,
            request_id=request_id,
            log_head=self.services.log.head,
        )

    @asynccontextmanager
    async def view(self, info: "Info") -> AsyncIterator[View]:
        """All of a query reads one instant; what has changed something reads what is now."""
        if info.operation.operation is OperationType.QUERY:
            yield await self._shared_view()
        else:
            async with self.services.views.open(self.accounts) as view:
                yield view

    async def close(self) -> None:
        await self._open.aclose()

    async def _shared_view(self) -> View:
        async with self._opening:
            if self._view is None:
                opened = self.services.views.open(self.accounts)
                self._view = await self._open.enter_async_context(opened)
            return self._view


def _present_request() -> str | None:
    """As the answer and the log name it."""
    request_id: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return request_id


Info = strawberry.Info[Context, None]


def needs(scope: Scope) -> list[FieldExtension]:
    """What a root field asks of the token."""
    return [RequiresScope(scope)]


class RequiresScope(FieldExtension):
    """Refuse a field, and it alone, to a token without the scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any
    ) -> Any:
        info.context.require(self._scope)
        return await next_(source, info, **kwargs)
