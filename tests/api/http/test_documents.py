"""What is refused of documents beyond the limits, over HTTP and sockets."""

import pytest
from graphql import get_introspection_query

from schema.limits import document_size
from schema.limits.costs import MAX_COST
from tests.api.conftest import ADMIN, Api, on_shared
from tests.schema.limits.test_document_size import nested_fragments
from tests.support.api.clients import Client, Data

pytestmark = on_shared

TOO_MUCH = {
    "characters": " " * document_size.MAX_SOURCE + "{ viewer { name } }",
    "tokens": "{ " + "a " * document_size.MAX_TOKENS + "}",
    "comments": "#\n" * (document_size.MAX_COMMENTS + 1) + "{ viewer { name } }",
    "definitions": " ".join(f"query q{one} {{ viewer {{ name }} }}" for one in range(101)),
    "fields": nested_fragments(20),
    "nesting": nested_fragments(document_size.MAX_NESTING + 1, spreads=1),
    "comparisons of fields": f"{{ orders {{ {'nodes { id } ' * 300} }} }}",
    "cost": """{ orders(first: 500) { nodes { fills(first: 500) { nodes { id } } } } }""",
}


@pytest.mark.parametrize(("limit", "query"), TOO_MUCH.items(), ids=TOO_MUCH.keys())
async def test_the_limit_is_named_with_what_it_is_and_what_was_found(
    shared_client: Client, limit: str, query: str
) -> None:
    told = await shared_client.response(query)
    assert told.get("data") is None
    [error] = told["errors"]
    assert_too_complex(error, limit)


def assert_too_complex(error: Data, limit: str) -> None:
    extensions = error["extensions"]
    assert (extensions["code"], extensions["limit"]) == ("QUERY_TOO_COMPLEX", limit)
    assert extensions["actual"] > extensions["most"]
    for word in (limit, str(extensions["actual"]), str(extensions["most"])):
        assert word in error["message"]


async def test_variables_are_counted_too(shared_client: Client) -> None:
    query = "query ($it: [String!]) { tickers(symbols: $it) { symbol } }"
    told = await shared_client.response(query, it=["a"] * document_size.MAX_VALUES)
    [error] = told["errors"]
    assert_too_complex(error, "values in variables")


async def test_the_cost_counts_what_the_variables_say(shared_client: Client) -> None:
    query = """query ($n: Int) {
      orders(first: 500) { nodes { fills(first: $n) { nodes { id } } } }
    }"""
    assert "errors" not in await shared_client.response(query, n=1)
    [error] = (await shared_client.response(query, n=500))["errors"]
    assert_too_complex(error, "cost")


@pytest.mark.parametrize("limit", ["tokens", "fields", "cost"])
async def test_on_a_socket_it_ends_that_operation_alone(shared_api: Api, limit: str) -> None:
    async with shared_api.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe("1", TOO_MUCH[limit])
        [error] = await socket.hear_error("1")
        assert_too_complex(error, limit)
        await socket.subscribe("2", "{ viewer { name } }")
        await socket.hear_data("2")
        await socket.hear_complete("2")


async def test_the_whole_schema_can_be_asked_for(shared_client: Client) -> None:
    data = await shared_client.ask(get_introspection_query())
    assert len(data["__schema"]["types"]) > 100


async def test_the_limits_are_told(shared_client: Client) -> None:
    told = await shared_client.ask(
        "{ viewer { limits { document { cost characters tokens depth aliases } } } }"
    )
    assert told["viewer"]["limits"]["document"] == {
        "cost": MAX_COST,
        "characters": document_size.MAX_SOURCE,
        "tokens": document_size.MAX_TOKENS,
        "depth": document_size.MAX_DEPTH,
        "aliases": document_size.MAX_ALIASES,
    }


async def test_of_very_many_errors_the_first_are_told(shared_client: Client) -> None:
    fields = " ".join(f"unknown{one}" for one in range(1000))
    assert_few_invalid(await shared_client.response(f"{{ viewer {{ {fields} }} }}"))


def assert_few_invalid(told: Data) -> None:
    assert 1 <= len(told["errors"]) <= 5
    codes = {error["extensions"]["code"] for error in told["errors"]}
    assert codes == {"GRAPHQL_VALIDATION_FAILED"}


DIRECTIVES = {"unknown": " @a" * 10, "repeated": " @skip" * 10, "mixed": " @a @skip" * 5}


@pytest.mark.parametrize("ten", DIRECTIVES.values(), ids=DIRECTIVES.keys())
async def test_a_thousand_bad_directives_get_five_errors_at_most(
    shared_client: Client, ten: str
) -> None:
    assert_few_invalid(await shared_client.response(f"{{ __typename{ten} }}"))
    fields = " ".join(f"a{one}: name{ten}" for one in range(100))
    assert_few_invalid(await shared_client.response(f"{{ viewer {{ {fields} }} }}"))
    in_one_place = await shared_client.response(f"{{ __typename{ten * 100} }}")
    [error] = in_one_place["errors"]
    assert_too_complex(error, "directives in one place")


async def test_a_socket_gets_five_errors_at_most_too(shared_api: Api) -> None:
    async with shared_api.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe("1", f"{{ __typename{DIRECTIVES['mixed']} }}")
        assert_few_invalid({"errors": await socket.hear_error("1")})
