"""Documents that schemathesis makes up, for every field of the schema."""

import asyncio
import json
import re
from typing import Any

import pytest
import schemathesis
from graphql import build_schema
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes
from schemathesis.specs.graphql.schemas import GraphQLSchema

from tests.conformance.conftest import Data, on_server
from tests.support.processes.servers import ROOT, ServerProcess

SEED = 7
FAULT = 500
EXAMPLES = {
    schemathesis.GenerationMode.POSITIVE: 8,
    schemathesis.GenerationMode.NEGATIVE: 3,
}
CODES = {
    "BAD_USER_INPUT",
    "EXCHANGE_UNAVAILABLE",
    "CURSOR_INVALID",
    "CURSOR_EXPIRED",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "QUERY_TOO_COMPLEX",
    "RATE_LIMITED",
}
# What no client may ever read: tracebacks, addresses of objects, names of libraries and files.
INSIDE = re.compile(
    r"Traceback|File \"|\.py\b|site-packages|sqlalchemy|sqlite|asyncpg|strawberry|starlette"
    r"|<class |<function |object at 0x|\b[A-Z]\w*(?:Error|Exception)\b|SELECT |INSERT "
)
SDL = build_schema((ROOT / "schema" / "schema.graphql").read_text())
FIELDS = [
    f"{root.name}.{field}"
    for root in (SDL.query_type, SDL.mutation_type)
    if root
    for field in root.fields
]


def as_nodes() -> None:
    """How the values of our own scalars look, right and wrong."""
    decimals = st.decimals(allow_nan=False, allow_infinity=False, places=8).map(str)
    texts = st.text(max_size=20)
    schemathesis.graphql.scalar("Decimal", (decimals | texts).map(nodes.String))
    times = st.datetimes().map(lambda time: f"{time.isoformat()}Z")
    schemathesis.graphql.scalar("DateTime", (times | texts).map(nodes.String))
    schemathesis.graphql.scalar("Date", (st.dates().map(str) | texts).map(nodes.String))
    schemathesis.graphql.scalar("Cursor", texts.map(nodes.String))
    flat = st.integers().map(nodes.Int) | texts.map(nodes.String) | st.booleans().map(nodes.Boolean)
    schemathesis.graphql.scalar("JSON", flat)


@pytest.fixture(scope="session")
def bearer(server: ServerProcess) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token}"}


@pytest.fixture(scope="session")
def schema(server: ServerProcess, bearer: dict[str, str]) -> GraphQLSchema:
    as_nodes()
    return schemathesis.graphql.from_url(server.url, headers=bearer)


@on_server
@pytest.mark.parametrize("field", FIELDS)
async def test_whatever_is_asked_is_answered_in_order(
    schema: GraphQLSchema, bearer: dict[str, str], field: str
) -> None:
    root, name = field.split(".")
    operation = schema[root][name]
    for mode, examples in EXAMPLES.items():

        @seed(SEED)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: "schemathesis.Case[Any]") -> None:
            check(case.call(headers=bearer))

        # The server is heard while it is asked.
        await asyncio.to_thread(ask)


def check(answer: schemathesis.Response) -> None:
    assert answer.status_code < FAULT, answer.text
    assert answer.headers["content-type"][0].startswith("application/")
    told: Data = json.loads(answer.text)
    assert set(told) <= {"data", "errors"}
    errors = told.get("errors", ())
    assert {error["extensions"]["code"] for error in errors} <= CODES, errors
    for error in errors:
        assert not INSIDE.search(json.dumps(error)), error


@on_server
async def test_every_field_that_is_served_is_asked(schema: GraphQLSchema) -> None:
    served = [f"{root}.{field}" for root in ("Query", "Mutation") for field in schema[root]]
    assert served == FIELDS
    assert len(served) > 40
