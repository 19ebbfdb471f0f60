"""The routes for operators: one word for anybody, the metrics for a token that may read."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from app.exchanges.paper.faults import Call, Faults
from app.runtime import Parts
from tests.api.access.test_tokens import make_token
from tests.api.conftest import ADMIN, Api, Serve, on_shared, running, settings_of
from tests.api.test_faults import GONE, NONSENSE, spoil
from tests.support.api.clients import PATIENCE_SECONDS, Client, Data
from tests.support.api.metrics import scrape, value
from tests.support.api.trading import WAITING, answer, place, refusal
from tests.support.clock import ManualClock

DOCUMENTED = Path(__file__).resolve().parents[3] / "docs" / "operation.md"
_AUDIT = "{ auditLog(first: 1) { nodes { requestId } } }"
_FOLLOW = "subscription { orderUpdates { kind } }"


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


async def words(api: Api, path: str) -> tuple[int, str]:
    """Without a token."""
    answered = await api.client(None).page(path)
    return answered.status_code, answered.text


@on_shared
async def test_anybody_is_told_that_it_lives_and_is_ready_and_no_more(shared_api: Api) -> None:
    assert await words(shared_api, "/healthz") == (200, "alive")
    assert await words(shared_api, "/readyz") == (200, "ready")


async def test_a_database_of_another_schema_is_unready_and_the_log_says_why_once(
    api: Api, clock: ManualClock, database_url: str, logs: list[Any]
) -> None:
    assert await words(api, "/readyz") == (200, "ready")
    spoil(database_url, "UPDATE alembic_version SET version_num = '9999'")
    for _ in range(3):
        await clock.advance(1)
        assert await words(api, "/readyz") == (503, "unready")
    [lost] = [one for one in logs if one["event"] == "readiness.lost"]
    assert "9999" in lost["schema"]
    assert await value(api.client(), "orderdeck_ready", check="schema") == 0
    assert await value(api.client(), "orderdeck_ready", check="database") == 1


async def test_an_account_that_was_not_compared_yet_is_starting(
    serve: Serve, faults: Faults, clock: ManualClock
) -> None:
    faults.is_disconnected = True
    api = await serve()
    assert await words(api, "/readyz") == (503, "starting")
    assert await words(api, "/healthz") == (200, "alive")
    assert await value(api.client(), "orderdeck_account_in_step", account="paper") == 0
    assert await value(api.client(), "orderdeck_account_connected", account="paper") == 0


@on_shared
async def test_the_metrics_are_for_whoever_may_read_everything(shared_api: Api) -> None:
    client = shared_api.client()
    reader = await make_token(client, scopes=["READ"])
    narrow = await make_token(client, scopes=["READ"], accountNames=["paper"])
    assert "orderdeck_build_info" in await scrape(shared_api.client(reader))
    nobody = await shared_api.client(None).page("/metrics")
    assert nobody.status_code == 401
    assert "WWW-Authenticate" in nobody.headers
    refused = await shared_api.client(narrow).page("/metrics")
    assert refused.status_code == 403
    assert "orderdeck_" not in refused.text


async def test_orders_are_counted_by_what_became_of_them(client: Client) -> None:
    mine = {"account": "paper"}
    await place(client)
    await answer(client, WAITING, clientOrderId="one")
    await answer(client, WAITING, clientOrderId="one")
    await refusal(client, amount="0.000000001")
    for status, count in (("SUBMITTING", 2), ("FILLED", 1), ("OPEN", 2)):
        counted = await value(client, "orderdeck_orders_total", status=status, **mine)
        assert counted == count, status
    denied = await value(client, "orderdeck_orders_denied_total", code="PRECISION", **mine)
    assert denied == 1
    assert await value(client, "orderdeck_orders_replayed_total", **mine) == 1
    for name in ("order_sent", "order_answered"):
        assert await value(client, f"orderdeck_{name}_seconds_count", **mine) == 2
    assert await value(client, "orderdeck_commit_seconds_count") > 0


async def test_orders_in_doubt_are_told_with_the_age_of_the_oldest(
    api: Api, client: Client, faults: Faults, clock: ManualClock
) -> None:
    assert await value(api.client(), "orderdeck_orders_in_doubt", account="paper") == 0
    faults.lost_before |= {Call.SUBMIT, Call.FIND}
    assert (await place(client))["status"] == "IN_DOUBT"
    await clock.advance(7)
    assert await value(api.client(), "orderdeck_orders_in_doubt", account="paper") == 1
    oldest = await value(api.client(), "orderdeck_orders_in_doubt_oldest_seconds", account="paper")
    assert oldest == 7
    assert await value(api.client(), "orderdeck_order_answered_seconds_count", account="paper") == 0


async def test_a_database_that_fails_leaves_the_rest_of_the_metrics(
    client: Client, database_url: str
) -> None:
    spoil(database_url, GONE)
    assert 'orderdeck_orders_in_doubt{account="paper"} NaN' in await scrape(client)


async def test_sockets_and_subscribers_are_counted_while_they_last(api: Api) -> None:
    async with api.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe("1", _FOLLOW)
        await place(api.client())
        assert (await socket.hear_data("1"))["orderUpdates"]["kind"] == "SUBMITTED"
        assert await value(api.client(), "orderdeck_sockets") == 1
        assert await value(api.client(), "orderdeck_subscribers", stream="orders") == 1
    async with api.socket() as refused:
        await refused.subscribe("1", _FOLLOW)
        assert (await refused.closed()).code == 4401
    assert await value(api.client(), "orderdeck_sockets_closed_total", code="4401") == 1


async def test_a_connection_that_breaks_is_not_taken_for_one_that_was_closed(
    api: Api, client: Client
) -> None:
    async with api.socket() as broken, api.socket() as left:
        await broken.init(ADMIN)
        await left.init(ADMIN)
        broken.break_off()
        await left.leave(1000, "")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await value(client, "orderdeck_sockets"):
            pass
    for code in ("1006", "1000"):
        assert await value(client, "orderdeck_sockets_closed_total", code=code) == 1


async def test_whoever_follows_is_told_that_the_server_goes(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    settings = settings_of(database_url, tmp_path)
    async with AsyncExitStack() as server:
        api = await server.enter_async_context(running(settings, Parts(clock=clock)))
        async with api.socket() as socket:
            await socket.init(ADMIN)
            await socket.subscribe("1", _FOLLOW)
            await place(api.client())
            for kind in ("SUBMITTED", "ACCEPTED", "FILL"):
                assert (await socket.hear_data("1"))["orderUpdates"]["kind"] == kind
            closed = asyncio.create_task(socket.closed())
            await server.aclose()
            assert (await closed).code == 1001


@on_shared
async def test_no_word_of_a_client_becomes_a_label(shared_api: Api) -> None:
    client = shared_api.client()
    await answer(client, WAITING, clientOrderId="marker-one", symbol="MARKER/TWO")
    await client.post({"query": "query Marker3 { marker4 }"}, X_Request_Id="marker5")
    await client.page("/marker6")
    async with shared_api.socket() as socket:
        await socket.leave(3999, "marker7")
    text = await scrape(client)
    assert "marker" not in text.lower()
    assert "3999" not in text


@on_shared
async def test_every_metric_is_documented_and_everything_documented_is_told(
    shared_api: Api,
) -> None:
    families = text_string_to_metric_families(await scrape(shared_api.client()))
    exported = {_documented_name(family.name, family.type) for family in families}
    rows = re.findall(r"^\| `(\w+\*?)` \|", DOCUMENTED.read_text(), re.MULTILINE)
    listed = {name for name in rows if name.startswith(("orderdeck_", "process_"))}
    assert exported == listed


def _documented_name(name: str, kind: str) -> str:
    if name.startswith("process_"):
        return "process_*"
    return f"{name}_total" if kind == "counter" else name


@on_shared
@pytest.mark.parametrize("given", ["abc", "A.b_c-1", "x" * 64])
async def test_a_request_bears_the_name_that_its_client_gave_it(
    shared_api: Api, given: str
) -> None:
    client = shared_api.client()
    assert await _id_of(client, given) == given
    await client.post(_changing(), X_Request_Id=given)
    [entry] = (await client.ask(_AUDIT))["auditLog"]["nodes"]
    assert entry["requestId"] == given


@on_shared
@pytest.mark.parametrize("given", ["", "a b", "a\tb", "x" * 65, "{}", "a/b"])
async def test_a_name_that_could_do_harm_is_replaced(shared_api: Api, given: str) -> None:
    first = await _id_of(shared_api.client(), given)
    assert re.fullmatch("[0-9A-Z]{26}", first)
    assert await _id_of(shared_api.client(), given) != first


async def test_a_fault_is_told_by_the_name_of_its_request(
    api: Api, client: Client, database_url: str
) -> None:
    await place(client)
    spoil(database_url, NONSENSE)
    answered = await client.post({"query": "{ orders { nodes { id } } }"}, X_Request_Id="mine")
    [error] = answered.json()["errors"]
    assert error["extensions"]["requestId"] == "mine"
    assert await value(api.client(), "orderdeck_internal_errors_total") == 1


async def test_each_operation_of_a_socket_has_a_name_of_its_own(api: Api, client: Client) -> None:
    async with api.socket(headers={"X-Request-Id": "the-socket"}) as socket:
        await socket.init(ADMIN)
        for number in ("1", "2"):
            await socket.subscribe(number, _changing()["query"])
            await socket.hear_data(number)
            await socket.hear_complete(number)
    nodes = (await client.ask("{ auditLog(first: 2) { nodes { requestId } } }"))["auditLog"]
    names = {entry["requestId"] for entry in nodes["nodes"]}
    assert len(names) == 2
    assert "the-socket" not in names


def _changing() -> Data:
    return {"query": "mutation { cancelAllOrders { canceled { id } } }"}


async def _id_of(client: Client, given: str) -> str:
    answered = await client.post({"query": "{ viewer { name } }"}, X_Request_Id=given)
    return answered.headers["X-Request-Id"]
