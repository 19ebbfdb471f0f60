"""The web application: /graphql, the pages, and whether it is alive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from app.errors import BadInput
from app.runtime import Parts, open_runtime
from app.services import Services
from app.settings import Settings
from app.web.pages import routes as page_routes
from schema.answers import refusal
from schema.build import build_schema
from schema.doors import KnownHosts, SharedWithPages
from schema.transport import GraphQLEndpoint


class _Slot:
    """Where the services are found while the application runs."""

    services: Services

    def get(self) -> Services:
        return self.services


def create_app(
    settings: Settings, *, migrate: bool = True, parts: Parts | None = None
) -> Starlette:
    slot = _Slot()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with open_runtime(settings, parts, migrate=migrate) as services:
            slot.services = services
            yield

    endpoint = GraphQLEndpoint(build_schema(), slot.get, allowed_origins=settings.allowed_origins)
    shared = Middleware(SharedWithPages, origins=endpoint.allowed_origins)
    return Starlette(
        routes=[
            Route("/graphql", endpoint, middleware=[shared]),
            WebSocketRoute("/graphql", endpoint),
            Route("/healthz", _alive),
            *page_routes(),
        ],
        middleware=[Middleware(KnownHosts, hosts=settings.allowed_hosts)],
        exception_handlers={HTTPException: _refuse, Exception: _fail},
        lifespan=lifespan,
    )


async def _alive(_: Request) -> Response:
    return PlainTextResponse("alive")


async def _refuse(_: Request, error: Exception) -> Response:
    """An address or a method that is not there."""
    known = cast("HTTPException", error)
    return refusal(BadInput(known.detail), status=known.status_code, headers=known.headers)


async def _fail(_: Request, error: Exception) -> Response:
    return refusal(error, status=500)
