"""The program as a person starts it: the first orders, a power cut, and on with the next event."""

import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.processes.clients import ApiClient, Data, api_client, following
from tests.support.processes.servers import ServerProcess, launch_program

pytestmark = pytest.mark.slow

MARKET = {"clientOrderId": "first", "symbol": "BTC/USDT", "side": "BUY", "type": "MARKET"}


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    folder = tmp_path / "data"
    server = ServerProcess(launch_program, folder, f"sqlite+aiosqlite:///{folder}/orderdeck.db")
    yield server
    await server.end()


async def test_an_hour_with_the_program_and_a_power_cut_in_between(program: ServerProcess) -> None:
    await program.start()
    _assert_banner(program)
    async with api_client(program) as api:
        as_of = (await api.open_orders())["asOf"]
        async with following(program, as_of) as subscriber:
            market = await api.place(**MARKET, amount="0.01")
            limit = await api.place(**await _far_limit(api, "second"))
            await subscriber.until(lambda: len(subscriber.updates) == 5)
            await _assert_read_back(api, market.id, limit.id)
            await program.kill()
            await program.start()
            await api.place(**await _far_limit(api, "third"))
            await subscriber.until(lambda: len(subscriber.updates) == 7)
        again = await api.place(**MARKET, amount="0.010")
        assert (again.id, again.is_replayed) == (market.id, True)
    _assert_story(subscriber.updates)
    assert subscriber.connections == 2
    assert await program.stop() in {0, -signal.SIGTERM}


def _assert_banner(program: ServerProcess) -> None:
    title, _, api, token, data = program.banner
    assert "PAPER" in title
    assert api.endswith(program.url)
    folder = data.split()[-1]
    assert f"{folder}/admin-token" in token
    assert (Path(folder) / "admin-token").read_text().strip() == program.token


async def _far_limit(api: ApiClient, client_order_id: str) -> Data:
    bid = Decimal((await api.ticker("BTC/USDT"))["bid"])
    price = (bid * Decimal("0.9")).quantize(Decimal("0.01"))
    return {
        **MARKET,
        "clientOrderId": client_order_id,
        "type": "LIMIT",
        "amount": "0.01",
        "price": str(price),
    }


async def _assert_read_back(api: ApiClient, market_id: str, limit_id: str) -> None:
    market, limit = await api.read(market_id), await api.read(limit_id)
    assert (market["status"], market["filled"]) == ("FILLED", "0.01")
    assert [fill["amount"] for fill in market["fills"]["nodes"]] == ["0.01"]
    assert (limit["status"], limit["filled"]) == ("OPEN", "0")
    kinds = [update["kind"] for update in market["history"]["nodes"]]
    assert kinds == ["SUBMITTED", "ACCEPTED", "FILL"]


def _assert_story(updates: list[Data]) -> None:
    """Each event once, in its order: what came after the restart follows what came before."""
    story = [(update["order"]["clientOrderId"], update["kind"]) for update in updates]
    assert story == [
        ("first", "SUBMITTED"), ("first", "ACCEPTED"), ("first", "FILL"),
        ("second", "SUBMITTED"), ("second", "ACCEPTED"),
        ("third", "SUBMITTED"), ("third", "ACCEPTED"),
    ]  # fmt: skip
