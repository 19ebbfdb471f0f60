"""Serves GraphiQL, its static files and the schema, which hold no data and need no token."""

from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

NOT_BUILT = "GraphiQL has not been built here: run `make web`. The API itself is at /graphql.\n"


def routes(sdl: Callable[[], str], static: Path = STATIC) -> list[BaseRoute]:
    """The routes of the pages, to be mounted beside /graphql; `sdl` prints the schema."""
    files = StaticFiles(directory=static, check_dir=False)

    async def static_file(name: str, request: Request) -> Response:
        if not is_built(static):
            return PlainTextResponse(NOT_BUILT, status_code=503, headers=HEADERS)
        response = await files.get_response(name, request.scope)
        response.headers.update(HEADERS)
        return response

    async def home(_: Request) -> Response:
        return RedirectResponse("/graphiql", status_code=307, headers=HEADERS)

    async def graphiql(request: Request) -> Response:
        return await static_file("index.html", request)

    async def schema(_: Request) -> Response:
        return PlainTextResponse(sdl(), headers=HEADERS)

    async def asset(request: Request) -> Response:
        return await static_file(request.path_params["name"], request)

    return [
        Route("/", home),
        Route("/graphiql", graphiql),
        Route("/schema.graphql", schema),
        Route("/static/{name}", asset),
    ]


def is_built(static: Path) -> bool:
    return (static / "index.html").is_file()
