"""Every root field of the schema, asked for everything that it can tell."""

import pytest

from tests.api.conftest import ADMIN, Api
from tests.support.api.clients import Client, Data
from tests.support.api.documents import calling, every_root_field, root_fields
from tests.support.api.whole_schema import GIVEN, SILENT, filled_in, prepared


def test_every_root_field_is_called() -> None:
    assert set(GIVEN) == {name for _, name in every_root_field()}
    for operation, name in every_root_field():
        assert set(GIVEN[name]) <= set(root_fields(operation)[name].args)


async def test_every_root_field_answers_with_all_its_fields(api: Api, client: Client) -> None:
    known = await prepared(client)
    order = list(every_root_field())
    assert order[0][0] == "query"
    for operation, name in order:
        if name in SILENT:
            continue
        variables = {key: filled_in(value, known) for key, value in GIVEN[name].items()}
        document = calling(operation, name)
        if operation == "subscription":
            async with api.socket() as socket:
                await socket.init(ADMIN)
                await socket.subscribe("1", document, **variables)
                data = await socket.hear_data("1")
        else:
            data = await client.ask(document, **variables)
        assert list(data) == [name]
        assert data[name] not in (None, [])
        assert_whole(data[name])


def assert_whole(value: Data | list[Data]) -> None:
    """Each object says of what type it is, so that nothing was left out."""
    for one in value if isinstance(value, list) else [value]:
        assert one["__typename"]
        for name, below in one.items():
            if isinstance(below, dict) and not name.lower().endswith(("metadata", "parameters")):
                assert_whole(below)


@pytest.mark.parametrize("name", ["orders", "fills", "markets"])
async def test_an_empty_list_is_whole_too(client: Client, name: str) -> None:
    given = {"search": "nothing"} if name == "markets" else {}
    told = (await client.ask(calling("query", name), **given))[name]
    assert (told["edges"], told["nodes"]) == ([], [])
    assert told["pageInfo"] == {
        "__typename": "PageInfo",
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }
