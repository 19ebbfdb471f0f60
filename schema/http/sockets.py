"""WebSockets with graphql-transport-ws, strictly, with limits on what one client may hold.

Strawberry's handler does the protocol. What is marked "Strawberry" below works round something
that version 0.341 does, and can go when that changes; the rest is ours.
"""

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

# An operation is known to be a subscription only once it is parsed: look again this often.
_GLANCE_SECONDS = 0.1


class SocketAdapter(ASGIWebSocketAdapter):
    """A socket that can be closed with a reason of any length, and more than once."""

    @property
    def is_closed(self) -> bool:
        return self.ws.application_state is WebSocketState.DISCONNECTED

    async def close(self, code: int, reason: str) -> None:
        """Strawberry neither cuts reasons to the protocol's 123 bytes nor allows a second close."""
        if self.is_closed:
            return
        short = reason.encode(errors="replace")[:MAX_REASON_BYTES]
        with suppress(WebSocketDisconnect):
            await super().close(code, short.decode(errors="ignore"))

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Strawberry sends even on a closed socket, and expects this error, not a RuntimeError."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        await super().send_json(message)

    def allow_large_messages(self) -> None:
        """Accept messages of full size from now on."""
        if self._link is not None:
            self._link.allow_large_messages()

    def on_shutdown(self, leave: Callable[[], None]) -> None:
        """Have leave called when the server shuts down."""
        if self._link is not None:
            self._link.on_shutdown = leave

    @property
    def _link(self) -> SocketLink | None:
        return SocketLink.of(self.ws.scope)


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One socket, which ends with its token; an operation that fails does not end the others."""

    websocket: SocketAdapter
    _token_watch: asyncio.Task[None] | None = None
    _closing: asyncio.Task[None] | None = None
    _is_leaving = False

    def __init__(self, *, view: Any, **parts: Any) -> None:
        super().__init__(view=view, **parts)
        self._socket_limits: SocketLimits = view.socket_limits
        self._running: dict[Operation[Context, None], Context] = {}

    def on_request_accepted(self) -> None:
        super().on_request_accepted()
        self._socket_limits.add(self, self._push_out)
        self.websocket.on_shutdown(self._leave)

    async def handle_message(self, message: Any) -> None:
        """Strawberry does not check the shape of messages, and refuses a null payload of init."""
        await self.context.services.pacer.turn()
        if not _is_well_formed(message):
            await self.handle_invalid_message("Malformed message")
            return
        if message["type"] == "connection_init" and message.get("payload") is None:
            message = {**message, "payload": {}}
        await super().handle_message(message)
        if self.connection_acknowledged and self._token_watch is None:
            self.websocket.allow_large_messages()
            self._token_watch = asyncio.create_task(self._end_with_token())

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Strawberry closes only for ConnectionRejectionError, and always with 4403."""
        try:
            await super().handle_connection_init(message)
        except (RateLimited, StorageUnavailable):
            await self.websocket.close(TRY_AGAIN_LATER, "Try again later")
        except TooManySockets:
            await self.websocket.close(TRY_AGAIN_LATER, "Too many sockets of this token")

    async def send_message(self, message: Any) -> None:
        """Strawberry has no hook between authentication and its ack: the socket is counted here."""
        if message["type"] == "connection_ack":
            self._socket_limits.authenticate(self, self.context.viewer.id)
        await super().send_message(message)

    def forget_id(self, id: str) -> None:
        """Strawberry raises KeyError if the id is gone because the socket ended meanwhile."""
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
        self._socket_limits.remove(self)
        for task in (self._token_watch, self._closing):
            if task is not None:
                task.cancel()
        # Each holds this handler in the traceback of its cancellation.
        self._token_watch = self._closing = None
        await super().shutdown()

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Strawberry's own gives all operations one context; here each has its own snapshot.

        Strawberry also ends an operation that fails inside with complete, as if it had succeeded.
        """
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
        except Exception as error:  # noqa: BLE001  else the client would hear nothing of it
            if not self.websocket.is_closed:
                await self._end_with_error(operation, error, context)
        finally:
            del self._running[operation]
            # If the client completed this operation, its id may be another operation's by now.
            if self.operations.get(operation.id) is operation:
                del self.operations[operation.id]

    async def _end_with_error(
        self, operation: Operation[Context, None], error: Exception, context: Context
    ) -> None:
        shown = error if isinstance(error, GraphQLError) else GraphQLError("", original_error=error)
        expose(shown, context)
        await operation.send_initial_errors([shown])

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """Strawberry closes the socket for a bad document: None ends only the operation."""
        return None

    async def _end_with_token(self) -> None:
        await self.context.services.auth.ended(self.context.viewer)
        await self.websocket.close(FORBIDDEN, "Forbidden")

    async def _refuse(self, message: SubscribeMessage, why: str) -> None:
        extensions = {"code": RateLimited.code, "retryAfterSeconds": RETRY_AFTER_SECONDS}
        error = GraphQLError(why, extensions=extensions)
        payload = [error.formatted]
        await self.send_message({"id": message["id"], "type": "error", "payload": payload})

    def _push_out(self) -> None:
        closing = self.websocket.close(TRY_AGAIN_LATER, "Too many sockets")
        self._closing = asyncio.create_task(closing)

    def _leave(self) -> None:
        self._is_leaving = True
        self._closing = asyncio.create_task(self._finish())

    async def _finish(self) -> None:
        """End subscriptions now, and close once the queries and mutations are answered."""
        while unfinished := self._unfinished_tasks():
            for operation, context in self._running.items():
                if context.is_subscription and operation.task is not None:
                    operation.task.cancel()
            await asyncio.wait(unfinished, timeout=_GLANCE_SECONDS)
        await self.websocket.close(GOING_AWAY, "Going away")

    def _unfinished_tasks(self) -> set[asyncio.Task[None]]:
        """Includes operations not yet started and ones still sending their final message."""
        known = {*self.operations.values(), *self._running}
        return {operation.task for operation in known if operation.task is not None}


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
