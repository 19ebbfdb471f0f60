"""The /graphql endpoint: Strawberry's view with authentication, refusals and status codes."""

import math
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, cast

from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UnsetType

from app.domain.access.tokens import Token
from app.errors import (
    BadInput,
    Forbidden,
    RateLimited,
    StorageUnavailable,
    Unauthenticated,
)
from app.services import Services
from schema import bad_values
from schema.build import Schema
from schema.context import Context
from schema.http import media_types, requests
from schema.http.origins import is_welcome
from schema.http.requests import RejectedRequest
from schema.http.responses import error_response, json_response
from schema.http.socket_limits import SocketLimits
from schema.http.sockets import INIT_SECONDS, SocketAdapter, SocketHandler

METHODS = ("GET", "HEAD", "POST", "OPTIONS")

_SCHEME = "bearer "
_ALLOW = ", ".join(METHODS)
# The status of a request that was not executed, if its media type allows another than 200.
_STATUS = {"INTERNAL_SERVER_ERROR": 500, "RATE_LIMITED": 429}
# Resolvers may set headers, but not these: they describe the final body.
_BODY_HEADERS = {"content-length", "content-type"}


class GraphQLEndpoint(GraphQL[Context, None]):
    """/graphql: executes nothing without a valid token."""

    request_adapter_class = requests.RequestAdapter
    graphql_transport_ws_handler_class = SocketHandler
    websocket_adapter_class = SocketAdapter

    def __init__(
        self,
        schema: Schema,
        services: Callable[[], Services],
        *,
        allowed_origins: Collection[str] = (),
        socket_limits: SocketLimits | None = None,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=None,
            allowed_origins=tuple(allowed_origins),
        )
        self.socket_limits = socket_limits or SocketLimits()
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        # The server leaves out the body of a response to HEAD.
        as_get = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        response = await self.guarded(Request(as_get, receive), self._respond)
        await response(scope, receive, send)

    async def guarded(
        self, request: Request, respond: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """Call respond if the request has a valid token; every refusal is a GraphQL error."""
        try:
            if not is_welcome(request.headers, self.allowed_origins):
                words = "pages of this origin are not served: allowed_origins says which are"
                raise Forbidden(words)
            header = request.headers.get("authorization")
            request.scope["token"] = await self._authenticate(header, _address(request))
            return await respond(request)
        except Unauthenticated as error:
            bearer = {"WWW-Authenticate": 'Bearer realm="orderdeck"'}
            return self._refusal(request, error, 401, bearer)
        except Forbidden as error:
            return self._refusal(request, error, 403)
        except RateLimited as error:
            wait = {"Retry-After": str(math.ceil(error.retry_after_seconds))}
            return self._refusal(request, error, 429, wait)
        except StorageUnavailable as error:
            return self._refusal(request, error, 503)
        except RejectedRequest as error:
            return self._refusal(request, _reason(error), error.status_code, error.headers)
        except HTTPException as error:
            return self._unresolved(request, error)
        except ClientDisconnect:
            return Response(status_code=400)

    async def _respond(self, request: Request) -> Response:
        if request.method not in METHODS:
            raise RejectedRequest(405, f"GraphQL takes {_ALLOW}", Allow=_ALLOW)
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": _ALLOW})
        if _kind(request) is None:
            offered = f"{media_types.GRAPHQL} and {media_types.JSON}"
            raise RejectedRequest(406, f"answers are {offered}: Accept takes neither")
        return await self.run(request)

    def _refusal(
        self,
        request: Request,
        reason: Exception,
        status: int,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        return error_response(
            reason,
            kind=_kind(request) or media_types.JSON,
            status=status,
            headers=headers,
            context=Context(services=self._services()),
        )

    def _unresolved(self, request: Request, error: HTTPException) -> Response:
        """Strawberry found no operation to execute, or one that this method must not execute."""
        cause = error.__cause__
        if isinstance(cause, InvalidOperationTypeError):
            if cause.operation_type is OperationType.MUTATION:
                return self._refusal(request, cause, 405, {"Allow": "POST"})
            return self._refusal(request, cause, 400)
        status = 200 if _kind(request) == media_types.JSON else 400
        return self._refusal(request, _reason(error), status)

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        """Never: GraphiQL is a page of its own."""
        return False

    def decode_json(self, data: str | bytes) -> object:
        return requests.decode(data)

    async def parse_http_body(self, request: Any) -> GraphQLRequestData:
        return await requests.read(cast("requests.RequestAdapter", request).request)

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        return Response(media_type=_kind(request))

    async def process_result(
        self, request: Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        """The response has no data entry if nothing was executed, not even null."""
        response = await super().process_result(request, result)
        if _was_not_executed(result):
            del response["data"]
        return response

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        kind = sub_response.media_type or media_types.JSON
        headers = {
            name: value for name, value in sub_response.headers.items() if name not in _BODY_HEADERS
        }
        status = sub_response.status_code
        if status == 200 and "data" not in response_data and kind != media_types.JSON:
            status = _STATUS.get(response_data["errors"][0]["extensions"]["code"], 400)
        return json_response(response_data, kind=kind, status=status, headers=headers)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        return Context(
            services=self._services(),
            token=request.scope.get("token"),
            address=_address(request),
            response=response if isinstance(response, Response) else None,
        )

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        params = context.connection_params
        header = params.get("Authorization") or params.get("authorization")
        try:
            text = header if isinstance(header, str) else None
            context.token = await self._authenticate(text, context.address)
        except Unauthenticated:
            raise ConnectionRejectionError from None
        return await super().on_ws_connect(context)

    async def _authenticate(self, header: str | None, address: str) -> Token:
        if header is None:
            raise Unauthenticated("a token is needed: send it as Authorization: Bearer …")
        if not header.lower().startswith(_SCHEME):
            raise Unauthenticated("the Authorization header must be: Bearer and the token")
        services = self._services()
        try:
            return await services.auth.authenticate(header[len(_SCHEME) :].strip(), address)
        except (Unauthenticated, RateLimited) as error:
            services.metrics.turned_away(error.code)
            raise


def _address(request: Request | WebSocket) -> str:
    """The client's address; behind a trusted proxy, the one that the proxy forwards."""
    return "unknown" if request.client is None else request.client.host


def _kind(request: Request | WebSocket) -> str | None:
    return media_types.negotiate(request.headers.get("accept"))


def _was_not_executed(result: ExecutionResult) -> bool:
    """Whether the request failed as a whole, not a field whose null propagated to the root."""
    if isinstance(result, PreExecutionError):
        return True
    return result.data is None and any(error.path is None for error in result.errors or ())


def _reason(error: HTTPException) -> Exception:
    cause = error.__cause__
    if isinstance(cause, Exception) and bad_values.is_unresolved(cause):
        return cause
    return BadInput(error.reason)
