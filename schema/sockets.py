"""graphql-transport-ws to the letter, with a bound on everything that a client may hold."""

import asyncio
from contextlib import suppress
from typing import Any

from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
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
from schema.context import Context
from schema.crowds import Crowded, Crowds
from schema.errors import expose

INIT_SECONDS = 10
MAX_OPERATIONS = 100
MAX_REASON_BYTES = 123
FORBIDDEN = 4403
TRY_AGAIN_LATER = 1013

# The server beneath takes only small messages until it is told, by this, that the client is known.
WIDEN = "orderdeck.widen"


class SocketAdapter(ASGIWebSocketAdapter):
    """A socket that is closed with a reason of any length, and as often as anybody likes."""

    async def close(self, code: int, reason: str) -> None:
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            return
        short = reason.encode(errors="replace")[:MAX_REASON_BYTES]
        with suppress(WebSocketDisconnect):
            await super().close(code, short.decode(errors="ignore"))

    def widen(self) -> None:
        """Take messages of full size from now on."""
        extensions = self.ws.scope.get("extensions") or {}
        if WIDEN in extensions:
            extensions[WIDEN]()


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One socket: it lives as long as its token stands, and no operation of it ends another."""

    websocket: SocketAdapter
    _watch: asyncio.Task[None] | None = None
    _farewell: asyncio.Task[None] | None = None

    def __init__(self, *, view: Any, **parts: Any) -> None:
        super().__init__(view=view, **parts)
        self._crowds: Crowds = view.crowds

    def on_request_accepted(self) -> None:
        super().on_request_accepted()
        self._crowds.receive(self, self._show_out)

    async def handle_message(self, message: Any) -> None:
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
        except Crowded:
            await self.websocket.close(TRY_AGAIN_LATER, "Too many sockets of this token")

    async def send_message(self, message: Any) -> None:
        """Whoever is let in is counted before hearing of it."""
        if message["type"] == "connection_ack":
            self._crowds.admit(self, self.context.viewer.id)
        await super().send_message(message)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if len(self.operations) < MAX_OPERATIONS or message["id"] in self.operations:
            await super().handle_subscribe(message)
            return
        words = f"a socket runs {MAX_OPERATIONS} operations at most: complete one first"
        told = GraphQLError(words, extensions={"code": "RATE_LIMITED"})
        await self.send_message({"id": message["id"], "type": "error", "payload": [told.formatted]})

    async def shutdown(self) -> None:
        self._crowds.leave(self)
        for task in (self._watch, self._farewell):
            if task is not None:
                task.cancel()
        await super().shutdown()

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """As Strawberry does it, but each operation reads an instant of its own."""
        context = self.context.for_operation()
        try:
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
        except GraphQLError as error:
            # What the cache of parsed documents raises goes past Strawberry, which would be silent.
            expose(error, context)
            await operation.send_initial_errors([error])
        finally:
            self.operations.pop(operation.id, None)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """None: a document that cannot be run ends its operation and not the socket."""
        return None

    async def _end_with_token(self) -> None:
        await self.context.services.auth.ended(self.context.viewer)
        await self.websocket.close(FORBIDDEN, "Forbidden")

    def _show_out(self) -> None:
        closing = self.websocket.close(TRY_AGAIN_LATER, "Too many sockets")
        self._farewell = asyncio.create_task(closing)


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
