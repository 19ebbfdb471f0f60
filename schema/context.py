"""The context of resolvers: the services, the token of the request, and a database snapshot."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import strawberry
import structlog
from graphql import OperationType
from starlette.responses import Response
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver
from strawberry.types.nodes import SelectedField, Selection
from ulid import ULID

from app.domain.access.tokens import Scope, Token
from app.errors import Forbidden, RateLimited, Unauthenticated
from app.services import Services
from app.services.accounts import AccountEntry
from app.services.portfolio.valuation import ValuationRequest
from app.services.reads import View


@dataclass(kw_only=True)
class Context:
    """The context of one HTTP request, or of one operation on a socket."""

    services: Services
    token: Token | None = None
    address: str = "unknown"
    request_id: str = field(default_factory=lambda: _current_request_id() or str(ULID()))
    connection_params: Any = None
    # The status and headers of an answer over HTTP; None on a socket.
    response: Response | None = None
    # The cost of the operation.
    cost: int = 0
    # The head of the event log when the operation arrived; only on a socket.
    log_head: int | None = None
    # Set once the document is parsed.
    is_subscription: bool = False
    # Why placing orders is refused, if the document's other mutations may still run.
    orders_refused: RateLimited | None = None
    _view: View | None = None
    # What the fields of a query must know from the exchanges before the snapshot is opened.
    _requests: list[ValuationRequest] = field(default_factory=list)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def viewer(self) -> Token:
        if self.token is None:
            raise Unauthenticated("a token is needed")
        return self.token

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that the viewer may see."""
        return self.services.accounts.names_visible(self.viewer)

    def account(self, name: str | None) -> AccountEntry:
        """The viewer's account of this name, or the default if there is no name."""
        return self.services.accounts.resolve(name, self.viewer)

    def require(self, scope: Scope) -> None:
        if not self.viewer.allows(scope):
            raise Forbidden(f"this needs a token with scope {scope}")

    def require_orders(self) -> None:
        if self.orders_refused is not None:
            raise self.orders_refused

    def for_operation(self) -> "Context":
        """A copy for one operation on a socket, with its own snapshot and request id."""
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
    async def view(
        self, info: "Info", requests: Sequence[ValuationRequest] = ()
    ) -> AsyncIterator[View]:
        """A query reads one snapshot throughout; mutations and subscriptions read the present.

        A mutation's view does not wait in line: it belongs to an action.
        """
        if info.operation.operation is OperationType.QUERY:
            self._requests.extend(requests)
            yield await self._shared_view()
        else:
            async with self.services.consistent_views.open(self.accounts, requests) as view:
                yield view

    async def close(self) -> None:
        await self._open.aclose()

    async def _shared_view(self) -> View:
        async with self._opening:
            if self._view is None:
                # By the next turn of the loop, each field of the query has said what it needs.
                await asyncio.sleep(0)
                opened = self.services.consistent_views.open(
                    self.accounts, self._requests, client=self.viewer.id
                )
                self._view = await self._open.enter_async_context(opened)
            return self._view


def _current_request_id() -> str | None:
    """The id that the response header and the log have for this request."""
    request_id: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return request_id


Info = strawberry.Info[Context, None]


def is_selected(info: Info, *names: str) -> bool:
    """Whether any of these fields is selected in the field that is being resolved."""
    return any(_selects(field.selections, names) for field in info.selected_fields)


def _selects(selections: Iterable[Selection], names: Collection[str]) -> bool:
    return any(
        selection.name in names
        if isinstance(selection, SelectedField)
        else _selects(selection.selections, names)
        for selection in selections
    )


def needs(scope: Scope) -> list[FieldExtension]:
    """The extensions of a query field that needs this scope."""
    return [RequiresScope(scope)]


class RequiresScope(FieldExtension):
    """Refuses this field alone to a token without the scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any
    ) -> Any:
        info.context.require(self._scope)
        return await next_(source, info, **kwargs)
