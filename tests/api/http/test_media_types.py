"""Answers as GraphQL over HTTP has them: their media types, their status, and what is in them."""

from typing import cast

import httpx
import pytest
from starlette.responses import Response

from app.asgi import create_app
from app.services import Services
from app.settings import Settings
from schema.build import build_schema
from schema.http.media_types import GRAPHQL, JSON, negotiate
from schema.http.transport import GraphQLEndpoint
from tests.api.conftest import Api, on_shared
from tests.support.api.clients import Client, Data

COERCED = "query ($id: ID!) { order(id: $id) { id } }"
UNRUN: dict[str, Data] = {
    "empty": {"query": ""},
    "no document": {"query": "{"},
    "no such field": {"query": "{ nothing }"},
    "no such operation": {"query": "query A { __typename }", "operationName": "B"},
    "no operation": {"query": "fragment F on Query { __typename }"},
    "several operations": {"query": "query A { __typename } query B { __typename }"},
    "no value for a variable": {"query": COERCED, "variables": {"id": None}},
    "no value for an argument": {"query": '{ orders(first: "x") { totalCount } }'},
}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json; charset=utf-8", GRAPHQL),
        ("application/graphql-response+json, application/json", GRAPHQL),
        ("application/json, application/graphql-response+json", JSON),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/json;q=0.5, application/graphql-response+json;q=0.501", GRAPHQL),
        ("*/*, application/graphql-response+json", GRAPHQL),
        ("*/*;q=0.9, application/graphql-response+json;q=0.8", JSON),
        ("application/json;q=0, */*", GRAPHQL),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("text/html, text/event-stream", None),
        ("application/json;q=0", None),
        ("application/json;q=0, application/graphql-response+json;q=0.000", None),
        ("application/json;q=2", None),
        (",;q=,", None),
        ("json", None),
    ],
)
def test_the_media_type_is_the_one_that_is_liked_best(accept: str | None, kind: str | None) -> None:
    assert negotiate(accept) == kind


@on_shared
@pytest.mark.parametrize("kind", [GRAPHQL, JSON])
async def test_an_answer_says_its_media_type_and_that_it_is_nobody_elses(
    shared_client: Client, kind: str
) -> None:
    answer = await shared_client.post({"query": "{ __typename }"}, Accept=kind)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    assert answer.headers["vary"] == "Accept, Origin"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json() == {"data": {"__typename": "Query"}}


@on_shared
async def test_whoever_takes_none_of_our_media_types_is_told_so(shared_client: Client) -> None:
    answer = await shared_client.post({"query": "{ __typename }"}, Accept="text/html")
    assert answer.status_code == 406
    assert list(answer.json()) == ["errors"]


@on_shared
@pytest.mark.parametrize("body", UNRUN.values(), ids=UNRUN.keys())
@pytest.mark.parametrize(("kind", "status"), [(GRAPHQL, 400), (JSON, 200)])
async def test_what_was_not_run_has_no_data_and_a_status_by_the_media_type(
    shared_client: Client, body: Data, kind: str, status: int
) -> None:
    answer = await shared_client.post(body, Accept=kind)
    assert answer.status_code == status
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    assert list(answer.json()) == ["errors"]


@on_shared
@pytest.mark.parametrize("kind", [GRAPHQL, JSON])
async def test_what_is_no_request_is_400_in_either_media_type(
    shared_client: Client, kind: str
) -> None:
    for content in (b"{", b"{}", b'{"query": 5}', b'{"query": "{ __typename }", "variables": []}'):
        answer = await shared_client.post(content=content, Accept=kind)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert list(answer.json()) == ["errors"]


@on_shared
@pytest.mark.parametrize("kind", [GRAPHQL, JSON])
async def test_an_error_of_a_field_leaves_the_status_and_the_data_there(
    shared_client: Client, kind: str
) -> None:
    query = '{ viewer { name } order(id: "nonsense") { id } }'
    answer = await shared_client.post({"query": query}, Accept=kind)
    assert answer.status_code == 200
    assert answer.json()["data"]["order"] is None
    query = "{ markets(first: 0) { nodes { id } } }"
    answer = await shared_client.post({"query": query}, Accept=kind)
    assert answer.status_code == 200
    assert "data" in answer.json()


@on_shared
@pytest.mark.parametrize("kind", [GRAPHQL, JSON])
async def test_without_a_token_the_answer_is_401_in_the_media_type_asked_for(
    shared_api: Api, kind: str
) -> None:
    for client in (shared_api.client(None), shared_api.client("odk_wrong")):
        answer = await client.post({"query": "{ __typename }"}, Accept=kind)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert answer.headers["www-authenticate"].startswith("Bearer")
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"


@on_shared
async def test_another_method_is_told_which_there_are(shared_api: Api) -> None:
    headers = {"Authorization": f"Bearer {shared_api.token}"}
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "QUERY", "PROPFIND"):
        answer = await shared_api.http.request(method, shared_api.address.http, headers=headers)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


@on_shared
async def test_head_is_a_get_without_a_body_and_options_says_what_there_is(
    shared_api: Api,
) -> None:
    http, address = shared_api.http, shared_api.address.http
    headers = {"Authorization": f"Bearer {shared_api.token}"}
    for params in ({"query": "{ __typename }"}, {"query": "{"}, {}):
        get = await http.get(address, headers=headers, params=params)
        head = await http.head(address, headers=headers, params=params)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-length"] == str(len(get.content))
    options = await http.options(address, headers=headers)
    assert (options.status_code, options.content) == (204, b"")
    assert options.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    for method in ("HEAD", "OPTIONS"):
        assert (await http.request(method, address)).status_code == 401


@on_shared
async def test_an_address_that_is_not_there_is_told_as_all_else_is(shared_api: Api) -> None:
    base = f"http://127.0.0.1:{shared_api.address.port}"
    for path, status in (("/nothing", 404), ("/graphql/x", 404), ("/static/no", 404)):
        answer = await shared_api.http.get(f"{base}{path}")
        assert answer.status_code == status
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
    answer = await shared_api.http.post(f"{base}/healthz")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert list(answer.json()) == ["errors"]


@pytest.mark.parametrize(
    ("code", "status"),
    [("INTERNAL_SERVER_ERROR", 500), ("RATE_LIMITED", 429), ("QUERY_TOO_COMPLEX", 400)],
)
def test_whose_fault_it_is_shows_in_the_status(code: str, status: int) -> None:
    endpoint = GraphQLEndpoint(build_schema(), lambda: cast("Services", None))
    told = {"errors": [{"message": "no", "extensions": {"code": code}}]}
    for kind, expected in ((GRAPHQL, status), (JSON, 200)):
        answer = endpoint.create_response(told, Response(media_type=kind))
        assert answer.status_code == expected


async def test_a_fault_of_the_application_is_told_without_its_inside(settings: Settings) -> None:
    never_started = httpx.ASGITransport(create_app(settings), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=never_started, base_url="http://localhost") as http:
        headers = {"Authorization": "Bearer secret"}
        answer = await http.get("/graphql", headers=headers)
    assert answer.status_code == 500
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "services" not in answer.text
