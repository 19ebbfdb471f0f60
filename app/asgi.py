"""Assembles the web application: /graphql, GraphiQL, health checks, metrics and middleware."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from app.errors import BadInput, BrokenOff
from app.runtime import Parts, open_runtime
from app.server.request_ids import RequestIds
from app.server.shutdown_response import ShutdownResponse
from app.services import Services
from app.settings import Settings
from app.web.operation import routes as operation_routes
from app.web.pages import STATIC
from app.web.pages import routes as page_routes
from schema.build import build_schema, print_sdl
from schema.context import Context
from schema.http.origins import AllowedHosts, Cors
from schema.http.responses import error_response
from schema.http.transport import GraphQLEndpoint


class _Slot:
    """Holds the services, which exist only while the application runs."""

    services: Services

    def get(self) -> Services:
        return self.services


def create_app(
    settings: Settings, *, migrate: bool = True, parts: Parts | None = None, pages: Path = STATIC
) -> Starlette:
    slot = _Slot()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with open_runtime(settings, parts, migrate=migrate) as services:
            slot.services = services
            yield

    def farewell() -> Response:
        words = "the server ended before this was done: look up what became of it"
        return error_response(BrokenOff(words), status=503, context=Context(services=slot.get()))

    schema = build_schema()
    endpoint = GraphQLEndpoint(schema, slot.get, allowed_origins=settings.allowed_origins)
    shared = Middleware(Cors, origins=endpoint.allowed_origins)
    return Starlette(
        routes=[
            Route("/graphql", endpoint, middleware=[shared]),
            WebSocketRoute("/graphql", endpoint),
            *operation_routes(slot.get, endpoint.guarded),
            *page_routes(cache(lambda: print_sdl(schema)), pages),
        ],
        middleware=[
            Middleware(RequestIds, metrics=lambda: slot.get().metrics),
            Middleware(ShutdownResponse, farewell=farewell),
            Middleware(AllowedHosts, hosts=settings.allowed_hosts),
        ],
        exception_handlers={HTTPException: _refuse, Exception: _fail},
        lifespan=lifespan,
    )


async def _refuse(_: Request, error: Exception) -> Response:
    """Answer an unknown path or method in the format of all other errors."""
    http = cast("HTTPException", error)
    return error_response(BadInput(http.detail), status=http.status_code, headers=http.headers)


async def _fail(_: Request, error: Exception) -> Response:
    return error_response(error, status=500)
