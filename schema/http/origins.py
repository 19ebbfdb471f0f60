"""Who may knock: under names that are ours alone, from pages that are ours or listed."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from app.errors import BadInput, Forbidden
from schema.http.responses import refusal

PREFLIGHT_SECONDS = 600


class AllowedHosts:
    """Serves under known names alone: any page may have its own name point at this machine."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_known(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        reason = BadInput("this name is not served: allowed_hosts says which are")
        await refusal(reason, status=400)(scope, receive, send)

    def _is_known(self, headers: Headers) -> bool:
        given = headers.getlist("host")
        return len(given) == 1 and _without_port(given[0].lower()) in self._hosts


class Cors(CORSMiddleware):
    """Lets the pages of some origins read what is answered; nothing that a browser keeps counts."""

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
        return refusal(reason, status=403)


def is_welcome(headers: Headers, allowed_origins: Collection[str]) -> bool:
    """Whether a page may ask; what is no page names no origin."""
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
