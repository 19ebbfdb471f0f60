"""graphql-transport-ws to the letter, with a bound on everything that a client may hold."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    SubscribeMessage,
)
from strawberry.utils.aio import aclosing

from app.errors import RateLimited, StorageUnavailable
from app.server.socket_link import SocketLink
from schema.context import Context
from schema.errors import expose
from schema.http.socket_limits import SocketLimits, TooManySockets

INIT_SECONDS = 10
MAX_OPERATIONS = 100
MAX_REASON_BYTES = 123
RETRY_AFTER_SECONDS = 1
FORBIDDEN = 4403
GOING_AWAY = 1001
TRY_AGAIN_LATER = 1013

# What was asked for a moment ago is not known yet to be a subscription.
_GLANCE_SECONDS = 0.1


class SocketAdapter(ASGIWebSocketAdapter):
    """A socket that is closed with a reason of any length, and as often as anybody likes."""

    @property
    def is_closed(self) -> bool:
        return self.ws.application_state is WebSocketState.DISCONNECTED

    async def close(self, code: int, reason: str) -> None:
        if self.is_closed:
            return
        short = reason.encode(errors="replace")[:MAX_REASON_BYTES]
        with suppress(WebSocketDisconnect):
            await super().close(code, short.decode(errors="ignore"))

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Whoever is closed hears nothing any more."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        await super().send_json(message)

    def widen(self) -> None:
        """Take messages of full size from now on."""
        if self._link is not None:
            self._link.allow_large_messages()

    def before_end(self, leave: Callable[[], None]) -> None:
        """Have this called when the server is told to end."""
        if self._link is not None:
            self._link.on_shutdown = leave

    @property
    def _link(self) -> SocketLink | None:
        return SocketLink.of(self.ws.scope)


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One socket: it lives as long as its token stands, and no operation of it ends another."""

    websocket: SocketAdapter
    _watch: asyncio.Task[None] | None = None
    _farewell: asyncio.Task[None] | None = None
    _is_leaving = False

    def __init__(self, *, view: Any, **parts: Any) -> None:
        super().__init__(view=view, **parts)
        self._socket_limits: SocketLimits = view.socket_limits
        self._running: dict[Operation[Context, None], Context] = {}

    def on_request_accepted(self) -> None:
        super().on_request_accepted()
        self._socket_limits.receive(self, self._show_out)
        self.websocket.before_end(self._leave)

    async def handle_message(self, message: Any) -> None:
        await self.context.services.pacer.turn()
        if not _is_well_formed(message):
            await self.handle_invalid_message("Malformed message")
            return
        if message["type"] == "connection_init" and message.get("payload") is None:
            message = {**message, "payload": {}}
        await super().handle_message(message)
        if self.connection_acknowledged and self._watch is None:
            self.websocket.widen()
            self._watch = asyncio.create_task(self._end_with_token())

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        try:
            await super().handle_connection_init(message)
        except (RateLimited, StorageUnavailable):
            await self.websocket.close(TRY_AGAIN_LATER, "Try again later")
        except TooManySockets:
            await self.websocket.close(TRY_AGAIN_LATER, "Too many sockets of this token")

    async def send_message(self, message: Any) -> None:
        """Whoever is let in is counted before hearing of it."""
        if message["type"] == "connection_ack":
            self._socket_limits.admit(self, self.context.viewer.id)
        await super().send_message(message)

    def forget_id(self, id: str) -> None:
        """It may be forgotten already: its socket has ended meanwhile."""
        self.operations.pop(id, None)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if self._is_leaving:
            await self._refuse(message, "the server is about to end: ask the next one")
        elif len(self.operations) < MAX_OPERATIONS or message["id"] in self.operations:
            await super().handle_subscribe(message)
        else:
            words = f"a socket runs {MAX_OPERATIONS} operations at most: complete one first"
            await self._refuse(message, words)

    async def shutdown(self) -> None:
        self._socket_limits.leave(self)
        for task in (self._watch, self._farewell):
            if task is not None:
                task.cancel()
        await super().shutdown()

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """As Strawberry does it, but each operation reads an instant of its own."""
        context = self._running[operation] = self.context.for_operation()
        try:
            await context.services.pacer.turn()
            results = await self.schema.stream(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                root_value=None,
                operation_name=operation.operation_name,
            )
            async with aclosing(results):
                await self._send_result_stream(operation, results)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            return
        except Exception as error:  # noqa: BLE001  whatever goes past Strawberry would be silent
            if not self.websocket.is_closed:
                await self._end_with_error(operation, error, context)
        finally:
            del self._running[operation]
            # The id of one that was completed by its client may be another's by now.
            if self.operations.get(operation.id) is operation:
                del self.operations[operation.id]

    async def _end_with_error(
        self, operation: Operation[Context, None], error: Exception, context: Context
    ) -> None:
        told = error if isinstance(error, GraphQLError) else GraphQLError("", original_error=error)
        expose(told, context)
        await operation.send_initial_errors([told])

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """None: a document that cannot be run ends its operation and not the socket."""
        return None

    async def _end_with_token(self) -> None:
        await self.context.services.auth.ended(self.context.viewer)
        await self.websocket.close(FORBIDDEN, "Forbidden")

    async def _refuse(self, message: SubscribeMessage, why: str) -> None:
        extensions = {"code": RateLimited.code, "retryAfterSeconds": RETRY_AFTER_SECONDS}
        told = GraphQLError(why, extensions=extensions)
        await self.send_message({"id": message["id"], "type": "error", "payload": [told.formatted]})

    def _show_out(self) -> None:
        closing = self.websocket.close(TRY_AGAIN_LATER, "Too many sockets")
        self._farewell = asyncio.create_task(closing)

    def _leave(self) -> None:
        self._is_leaving = True
        self._farewell = asyncio.create_task(self._finish())

    async def _finish(self) -> None:
        """Close when all is answered that has an end of its own; what has none ends now."""
        while under_way := self._under_way():
            for operation, context in self._running.items():
                if context.is_endless and operation.task is not None:
                    operation.task.cancel()
            await asyncio.wait(under_way, timeout=_GLANCE_SECONDS)
        await self.websocket.close(GOING_AWAY, "Going away")

    def _under_way(self) -> set[asyncio.Task[None]]:
        """Also those that have yet to begin, and those whose last word is on its way."""
        known = {*self.operations.values(), *self._running}
        return {one.task for one in known if one.task is not None}


def _is_well_formed(message: object) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    match message["type"]:
        case "connection_init" | "ping" | "pong":
            return isinstance(message.get("payload"), dict | None)
        case "complete":
            return _is_id(message.get("id"))
        case "subscribe":
            return _is_id(message.get("id")) and _is_request(message.get("payload"))
        case _:
            return False


def _is_request(payload: object) -> bool:
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("extensions"), dict | None)
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value != ""
