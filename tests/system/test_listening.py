"""Who may listen where, and who is believed about where a request comes from."""

import ssl
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.support.certificates import make_pair
from tests.system.conftest import MakeServer

WHO = {"query": "{ viewer { name } }"}
FAR = "203.0.113.7"


async def test_tls_is_spoken_over_http_and_sockets_and_nothing_else_is(
    make_server: MakeServer, sqlite_url: str, tmp_path: Path
) -> None:
    pair = make_pair(tmp_path)
    server = make_server(sqlite_url, tls_cert=pair.cert, tls_key=pair.key, host="0.0.0.0")  # noqa: S104
    trusting = ssl.create_default_context(cafile=pair.cert)
    await server.launch()
    await server.announced()
    api = f"https://127.0.0.1:{server.port}/graphql"
    assert server.banner[2].split() == ["API", api]
    bearer = {"Authorization": f"Bearer {server.token}"}
    async with httpx.AsyncClient(trust_env=False, verify=trusting) as http:
        answer = await http.post(api, json=WHO, headers=bearer)
        assert answer.json()["data"]["viewer"]["name"]
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(server.url, json=WHO)
    socket_url = f"wss://127.0.0.1:{server.port}/graphql"
    async with connect(socket_url, subprotocols=["graphql-transport-ws"], ssl=trusting) as socket:  # type: ignore[list-item]
        await socket.send('{"type": "ping"}')
        assert await socket.recv() == '{"type":"pong"}'


@pytest.mark.parametrize("is_trusted", [True, False], ids=["trusted", "not trusted"])
async def test_a_proxy_is_believed_where_the_settings_trust_it(
    make_server: MakeServer, sqlite_url: str, *, is_trusted: bool
) -> None:
    proxies = "127.0.0.0/8" if is_trusted else "198.51.100.0/24"
    server = make_server(sqlite_url, behind_proxy="true", trusted_proxies=proxies)
    await server.start()
    told = {"Authorization": "Bearer odk_wrong", "X-Forwarded-For": f"10.0.0.1, {FAR}"}
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(server.url, json=WHO, headers=told)).status_code == 401
    await server.stop()
    [line] = [line for line in server.output if "token.wrong" in line]
    assert (FAR if is_trusted else "127.0.0.1") in line
    assert ("127.0.0.1" if is_trusted else FAR) not in line


async def test_nobody_is_believed_where_there_is_no_proxy(
    make_server: MakeServer, sqlite_url: str
) -> None:
    server = make_server(sqlite_url)
    await server.start()
    told = {"Authorization": "Bearer odk_wrong", "X-Forwarded-For": FAR}
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(server.url, json=WHO, headers=told)).status_code == 401
    await server.stop()
    [line] = [line for line in server.output if "token.wrong" in line]
    assert FAR not in line
