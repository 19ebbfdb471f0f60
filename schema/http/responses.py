"""HTTP responses in GraphQL's JSON: with a result, or with one error and nothing executed."""

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


def json_response(
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


def error_response(
    reason: Exception,
    *,
    kind: str = JSON,
    status: int,
    headers: Mapping[str, str] | None = None,
    context: Context | None = None,
) -> Response:
    """A GraphQL error that says why nothing was executed."""
    error = GraphQLError(str(reason), original_error=reason)
    expose(error, context)
    return json_response({"errors": [error.formatted]}, kind=kind, status=status, headers=headers)
