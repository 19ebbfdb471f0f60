"""Under which names, and from which pages, the API may be reached."""

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.api.conftest import ADMIN, Api, Serve, on_shared
from tests.support.api.clients import Client
from tests.support.api.servers import raw

WHO = {"query": "{ viewer { name } }"}
LISTED = "https://deck.example.com"
FOREIGN = ("http://evil.example.com", "null", "http://127.0.0.1:1", "", "file://", "https://[")
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


@pytest.fixture
async def listed(serve: Serve) -> Api:
    return await serve(allowed_origins=LISTED)


@on_shared
async def test_a_host_that_is_not_ours_is_refused(shared_api: Api, shared_client: Client) -> None:
    for host in ("evil.example.com", "127.0.0.1.evil.example.com", "127.0.0.1:x", "[::1", ""):
        answer = await shared_client.post(WHO, Host=host)
        assert answer.status_code == 400
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:65535", "[::1]", "[::1]:80"):
        assert (await shared_client.post(WHO, Host=host)).status_code == 200
    healthz = shared_api.address.http.replace("graphql", "healthz")
    answer = await shared_api.http.get(healthz, headers={"Host": "evil.example.com"})
    assert answer.status_code == 400


@on_shared
@pytest.mark.parametrize("hosts", ["", "Host: localhost\r\nHost: localhost\r\n"])
async def test_a_request_names_one_host(shared_api: Api, hosts: str) -> None:
    answer = await raw(shared_api.address, f"GET /healthz HTTP/1.1\r\n{hosts}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")


@on_shared
async def test_a_foreign_host_cannot_open_a_socket(shared_api: Api) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with shared_api.socket(host="evil.example.com"):
            pass
    assert refused.value.response.status_code == 400


@on_shared
async def test_a_foreign_page_is_refused(shared_client: Client) -> None:
    for origin in FOREIGN:
        answer = await shared_client.post(WHO, Origin=origin)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"


@on_shared
async def test_our_own_page_may_ask(shared_api: Api, shared_client: Client) -> None:
    own = f"http://127.0.0.1:{shared_api.address.port}"
    assert (await shared_client.post(WHO, Origin=own)).status_code == 200
    async with shared_api.socket(headers={"Origin": own}) as socket:
        await socket.init(ADMIN)


@on_shared
async def test_a_foreign_page_cannot_open_a_socket(shared_api: Api) -> None:
    for origin in FOREIGN:
        with pytest.raises(InvalidStatus) as refused:
            async with shared_api.socket(headers={"Origin": origin}):
                pass
        assert refused.value.response.status_code == 403


async def test_a_listed_page_reads_answers_and_refusals_without_cookies(listed: Api) -> None:
    for client, status in ((listed.client(), 200), (listed.client(None), 401)):
        answer = await client.post(WHO, Origin=LISTED)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == LISTED
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]
    async with listed.socket(headers={"Origin": LISTED}) as socket:
        await socket.init(ADMIN)
    answer = await listed.client().post(WHO, Origin="https://evil.example.com")
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


async def test_a_listed_page_may_ask_whether_it_may_ask(listed: Api) -> None:
    answer = await preflight(listed, LISTED)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers
    for origin, asked in (
        ("https://evil.example.com", {}),
        ("null", {}),
        (LISTED, {"Access-Control-Request-Method": "DELETE"}),
        (LISTED, {"Access-Control-Request-Headers": "x-other"}),
    ):
        answer = await preflight(listed, origin, **asked)
        assert answer.status_code == 403
        assert list(answer.json()) == ["errors"]


async def preflight(api: Api, origin: str, **asked: str) -> httpx.Response:
    headers = {**PREFLIGHT, **asked, "Origin": origin}
    return await api.http.options(api.address.http, headers=headers)
