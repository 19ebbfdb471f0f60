from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from app.web.pages import routes

SDL = "type Query { ok: Boolean }\n"


@pytest.fixture
def static(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>GraphiQL</title>")
    (folder / "graphiql.js").write_text("export {};")
    (tmp_path / "secret").write_text("not yours")
    return folder


def client_of(static: Path) -> httpx.AsyncClient:
    app = Starlette(routes=routes(lambda: SDL, static))
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


async def get(static: Path, path: str, **headers: str) -> httpx.Response:
    async with client_of(static) as client:
        return await client.get(path, headers=headers)


def directives(answer: httpx.Response) -> dict[str, str]:
    policy = answer.headers["content-security-policy"]
    return dict(directive.strip().split(" ", 1) for directive in policy.split(";"))


async def test_the_schema_is_served_as_text_without_a_token(static: Path) -> None:
    answer = await get(static, "/schema.graphql")
    assert (answer.status_code, answer.text) == (200, SDL)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_root_leads_to_graphiql(static: Path) -> None:
    answer = await get(static, "/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/graphiql")


async def test_graphiql_is_served_without_a_token(static: Path) -> None:
    answer = await get(static, "/graphiql")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>GraphiQL</title>" in answer.text


async def test_a_static_file_is_served_with_its_own_type(static: Path) -> None:
    answer = await get(static, "/static/graphiql.js")
    assert answer.status_code == 200
    assert "javascript" in answer.headers["content-type"]


async def test_the_policy_allows_this_origin_and_nothing_inline(static: Path) -> None:
    policy = directives(await get(static, "/graphiql"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert not [sources for sources in policy.values() if "unsafe" in sources or "*" in sources]


@pytest.mark.parametrize("path", ["/", "/graphiql", "/static/graphiql.js"])
async def test_every_answer_is_kept_to_itself(static: Path, path: str) -> None:
    headers = (await get(static, path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-cache"


async def test_an_unchanged_file_is_not_sent_again(static: Path) -> None:
    first = await get(static, "/static/graphiql.js")
    again = await get(static, "/static/graphiql.js", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/static/absent.js", "/static/", "/static/..%2Fsecret", "/static/%2E%2E", "/static/%00"],
)
async def test_nothing_but_the_static_files_is_served(static: Path, path: str) -> None:
    answer = await get(static, path)
    assert answer.status_code == 404
    assert "not yours" not in answer.text


@pytest.mark.parametrize("path", ["/graphiql", "/static/graphiql.js"])
async def test_pages_that_were_never_built_say_how_to_build_them(tmp_path: Path, path: str) -> None:
    answer = await get(tmp_path / "static", path)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "make web" in answer.text


async def test_pages_that_are_built_later_are_served_without_a_restart(tmp_path: Path) -> None:
    static = tmp_path / "static"
    async with client_of(static) as client:
        before = await client.get("/graphiql")
        static.mkdir()
        (static / "index.html").write_text("built")
        after = await client.get("/graphiql")
    assert (before.status_code, after.status_code, after.text) == (503, 200, "built")


async def test_the_pages_are_only_read(static: Path) -> None:
    async with client_of(static) as client:
        answer = await client.post("/graphiql")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
