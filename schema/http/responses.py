"""What goes out over HTTP: GraphQL's answers and refusals, in the media type that was asked for."""

import json
from collections.abc import Mapping

from graphql import GraphQLError
from starlette.responses import Response

from schema.context import Context
from schema.errors import expose
from schema.http.media_types import JSON

HEADERS = {
    "Cache-Control": "no-store",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}


def answer(
    body: object,
    *,
    kind: str = JSON,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    return Response(
        json.dumps(body, separators=(",", ":")),
        status_code=status,
        headers={**HEADERS, **(headers or {})},
        media_type=f"{kind}; charset=utf-8",
    )


def refusal(
    reason: Exception,
    *,
    kind: str = JSON,
    status: int,
    headers: Mapping[str, str] | None = None,
    context: Context | None = None,
) -> Response:
    """Tell as a GraphQL error why nothing was run."""
    told = GraphQLError(str(reason), original_error=reason)
    expose(told, context)
    return answer({"errors": [told.formatted]}, kind=kind, status=status, headers=headers)
