"""GraphQL over HTTP and WebSocket, on Strawberry's own extension points."""

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from cross_web import HTTPException
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.base import BaseRequestProtocol
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    SubscribeMessage,
)
from strawberry.types.unset import UnsetType
from strawberry.utils.aio import aclosing

from app.domain.tokens import Token
from app.errors import BadInput, RateLimited, StorageUnavailable, Unauthenticated
from app.services import Services
from schema import bad_values
from schema.build import Schema
from schema.context import Context
from schema.errors import expose
from schema.scalars import read_whole

INIT_SECONDS = 10
MAX_OPERATIONS = 100
MAX_REASON_BYTES = 123
FORBIDDEN = 4403
TRY_AGAIN_LATER = 1013

_SCHEME = "bearer "
_OTHER_TYPES = {"connection_init", "ping", "pong"}


class SocketAdapter(ASGIWebSocketAdapter):
    """A socket that is closed with a reason of any length."""

    async def close(self, code: int, reason: str) -> None:
        short = reason.encode(errors="replace")[:MAX_REASON_BYTES]
        await super().close(code, short.decode(errors="ignore"))


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One socket: it lives as long as its token stands, and no operation of it ends another."""

    _watch: asyncio.Task[None] | None = None

    async def handle_message(self, message: Any) -> None:
        if not _is_well_formed(message):
            await self.handle_invalid_message("Malformed message")
            return
        if message["type"] == "connection_init" and message.get("payload") is None:
            message = {**message, "payload": {}}
        await super().handle_message(message)
        if self.connection_acknowledged and self._watch is None:
            self._watch = asyncio.create_task(self._end_with_token())

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        try:
            await super().handle_connection_init(message)
        except (RateLimited, StorageUnavailable):
            await self.websocket.close(TRY_AGAIN_LATER, "Try again later")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if len(self.operations) < MAX_OPERATIONS or message["id"] in self.operations:
            await super().handle_subscribe(message)
            return
        words = f"a socket runs {MAX_OPERATIONS} operations at most: complete one first"
        told = GraphQLError(words, extensions={"code": "RATE_LIMITED"})
        await self.send_message({"id": message["id"], "type": "error", "payload": [told.formatted]})

    async def shutdown(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
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


def _is_well_formed(message: object) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] == "complete":
        return _is_id(message.get("id"))
    if message["type"] != "subscribe":
        return message["type"] in _OTHER_TYPES
    payload = message.get("payload")
    return (
        _is_id(message.get("id"))
        and isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value != ""


class GraphQLEndpoint(GraphQL[Context, None]):
    """/graphql: nothing below here runs for anybody without a token."""

    graphql_transport_ws_handler_class = SocketHandler
    websocket_adapter_class = SocketAdapter

    def __init__(self, schema: Schema, services: Callable[[], Services]) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=None,
        )
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            response = await self._respond(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        """Whatever is refused is told as a GraphQL error."""
        try:
            header = request.headers.get("authorization")
            request.scope["token"] = await self._authenticate(header, _address(request))
            return await self.run(request)
        except Unauthenticated as error:
            return self._refusal(error, 401, {"WWW-Authenticate": 'Bearer realm="orderdeck"'})
        except RateLimited as error:
            wait = {"Retry-After": str(math.ceil(error.retry_after_seconds))}
            return self._refusal(error, 429, wait)
        except StorageUnavailable as error:
            return self._refusal(error, 503)
        except HTTPException as error:
            return self._refusal(_reason(error), error.status_code)

    def _refusal(
        self, reason: Exception, status: int, headers: Mapping[str, str] | None = None
    ) -> Response:
        told = GraphQLError(str(reason), original_error=reason)
        expose(told, Context(services=self._services()))
        return JSONResponse({"errors": [told.formatted]}, status_code=status, headers=headers)

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        """It has an address of its own."""
        return False

    def parse_json(self, data: str | bytes) -> Any:
        value = super().parse_json(data)
        if isinstance(data, bytes) and not isinstance(value, dict | list):
            raise HTTPException(400, "the body must be a JSON object")
        return value

    def decode_json(self, data: str | bytes) -> object:
        try:
            return json.loads(data, parse_int=read_whole)
        except (ValueError, RecursionError) as error:
            raise json.JSONDecodeError("not JSON", "", 0) from error

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        return Context(
            services=self._services(),
            token=request.scope.get("token"),
            address=_address(request),
        )

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        params = context.connection_params
        header = params.get("Authorization") or params.get("authorization")
        try:
            known = header if isinstance(header, str) else None
            context.token = await self._authenticate(known, context.address)
        except Unauthenticated:
            raise ConnectionRejectionError from None
        return await super().on_ws_connect(context)

    async def _authenticate(self, header: str | None, address: str) -> Token:
        if header is None:
            raise Unauthenticated("a token is needed: send it as Authorization: Bearer …")
        if not header.lower().startswith(_SCHEME):
            raise Unauthenticated("the Authorization header must be: Bearer and the token")
        return await self._services().auth.authenticate(header[len(_SCHEME) :].strip(), address)


def _address(request: Request | WebSocket) -> str:
    """Where it comes from, as far as a proxy that is trusted tells it."""
    return "unknown" if request.client is None else request.client.host


def _reason(error: HTTPException) -> Exception:
    cause = error.__cause__
    if isinstance(cause, Exception) and bad_values.is_unresolved(cause):
        return cause
    return BadInput(error.reason)
