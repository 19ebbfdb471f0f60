"""Checks of the Host and Origin headers: which host names are served, and which pages may ask."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from app.errors import BadInput, Forbidden
from schema.http.responses import error_response

PREFLIGHT_SECONDS = 600


class AllowedHosts:
    """Refuses unknown Host names, against DNS rebinding: any page can point a name at us."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_known(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        reason = BadInput("this name is not served: allowed_hosts says which are")
        await error_response(reason, status=400)(scope, receive, send)

    def _is_known(self, headers: Headers) -> bool:
        given = headers.getlist("host")
        return len(given) == 1 and _without_port(given[0].lower()) in self._hosts


class Cors(CORSMiddleware):
    """Lets pages of the allowed origins read responses; cookies and the like are not allowed."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization",),
            expose_headers=("Retry-After",),
            max_age=PREFLIGHT_SECONDS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        reason = Forbidden("pages of this origin may not ask this: allowed_origins says which may")
        return error_response(reason, status=403)


def is_welcome(headers: Headers, allowed_origins: Collection[str]) -> bool:
    """Whether the request's origin may ask; clients other than browsers send no Origin header."""
    origin = headers.get("origin")
    return (
        origin is None
        or headers.get("sec-fetch-site") == "same-origin"
        or is_same_origin(origin, headers.get("host"))
        or normalize_origin(origin) in allowed_origins
    )


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() and port.isascii() else host
