"""The operator's routes: /healthz, /readyz and /metrics."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from app.domain.access.tokens import Scope, Token
from app.errors import Forbidden
from app.services import Services
from app.services.operation.readiness import ReadinessWord

Answer = Callable[[Request], Awaitable[Response]]
Guard = Callable[[Request, Answer], Awaitable[Response]]
NOT_KEPT = {"Cache-Control": "no-store"}
_ALL_ACCOUNTS = "the metrics tell of all accounts: this needs a token that is good for all of them"


def routes(services: Callable[[], Services], guarded: Guard) -> list[BaseRoute]:
    """The routes; guarded calls a handler only with a valid token, and refuses otherwise."""

    async def alive(_: Request) -> Response:
        return PlainTextResponse("alive", headers=NOT_KEPT)

    async def ready(_: Request) -> Response:
        word = (await services().readiness.look()).word
        status = 200 if word is ReadinessWord.READY else 503
        return PlainTextResponse(word, status_code=status, headers=NOT_KEPT)

    async def metrics(request: Request) -> Response:
        return await guarded(request, export_metrics)

    async def export_metrics(request: Request) -> Response:
        _require_all_accounts(request.scope["token"])
        body, kind = await services().metrics_export.render(request.headers.get("accept", ""))
        return Response(body, headers={**NOT_KEPT, "Content-Type": kind})

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


def _require_all_accounts(viewer: Token) -> None:
    if not viewer.allows(Scope.READ):
        raise Forbidden(f"this needs a token with scope {Scope.READ}")
    if viewer.account_names is not None:
        raise Forbidden(_ALL_ACCOUNTS)
