"""GraphQL over HTTP and WebSocket, on Strawberry's own extension points."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.types.unset import UnsetType
from strawberry.utils.aio import aclosing

from app.domain.tokens import Token
from app.errors import Unauthenticated
from app.services import Services
from schema.build import Schema
from schema.context import Context

INIT_SECONDS = 10
MAX_OPERATIONS = 100
FORBIDDEN = 4403

_SCHEME = "bearer "


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

    async def shutdown(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        await super().shutdown()

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """As Strawberry does it, but each operation reads an instant of its own."""
        try:
            results = await self.schema.stream(
                operation.query,
                variable_values=operation.variables,
                context_value=self.context.for_operation(),
                root_value=None,
                operation_name=operation.operation_name,
            )
            async with aclosing(results):
                await self._send_result_stream(operation, results)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
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
        return True
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

    def __init__(self, schema: Schema, services: Callable[[], Services]) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=MAX_OPERATIONS,
        )
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            try:
                token = await self._authenticate(request.headers.get("authorization"))
            except Unauthenticated as error:
                await _unauthenticated(error)(scope, receive, send)
                return
            scope["token"] = token
        await super().__call__(scope, receive, send)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        return Context(services=self._services(), token=request.scope.get("token"))

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        params = context.connection_params
        header = params.get("Authorization") or params.get("authorization")
        try:
            context.token = await self._authenticate(header if isinstance(header, str) else None)
        except Unauthenticated:
            raise ConnectionRejectionError from None
        return await super().on_ws_connect(context)

    async def _authenticate(self, header: str | None) -> Token:
        if header is None:
            raise Unauthenticated("a token is needed: send it as Authorization: Bearer …")
        if not header.lower().startswith(_SCHEME):
            raise Unauthenticated("the Authorization header must be: Bearer and the token")
        return await self._services().auth.authenticate(header[len(_SCHEME) :].strip())


def _unauthenticated(error: Unauthenticated) -> Response:
    body = {"errors": [{"message": str(error), "extensions": {"code": error.code}}]}
    return JSONResponse(
        body, status_code=401, headers={"WWW-Authenticate": 'Bearer realm="orderdeck"'}
    )
