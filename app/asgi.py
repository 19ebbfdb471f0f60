"""The web application: /graphql, the pages, and whether it is alive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from app.runtime import Parts, open_runtime
from app.services import Services
from app.settings import Settings
from app.web.pages import routes as page_routes
from schema.build import build_schema
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

    endpoint = GraphQLEndpoint(build_schema(), slot.get)
    return Starlette(
        routes=[
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", endpoint),
            Route("/healthz", _alive),
            *page_routes(),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts))],
        lifespan=lifespan,
    )


async def _alive(_: Request) -> Response:
    return PlainTextResponse("alive")
