"""Every root field, asked for by every kind of token: the contract's table against the server."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from app.domain.access.tokens import Scope
from app.runtime import Parts
from tests.api.access.test_tokens import create, make_token, revoke
from tests.api.conftest import Api, hasty, on_shared, running, settings_of
from tests.conftest import START
from tests.support.api.clients import Closed, Data, Socket
from tests.support.api.documents import calling, every_root_field, least_given, naming_account
from tests.support.api.trading import place
from tests.support.clock import ManualClock

pytestmark = on_shared

NEEDED = {
    name: scope
    for scope, names in {
        Scope.READ: """
            viewer accounts node order orders fills positions portfolio previewOrder
            bot strategies tradingWindow risk markets ticker tickers candles orderBook
            orderUpdates positionUpdates portfolioUpdates botUpdates botDecisions riskUpdates
            tradingWindowUpdates tickerUpdates candleUpdates orderBookUpdates""",
        Scope.TRADE: """
            placeOrder placeOrders amendOrder cancelOrder cancelAllOrders setOrderMetadata
            setPositionMetadata reconcile closePosition armDeadManSwitch disarmDeadManSwitch""",
        Scope.CONTROL: """
            startBot pauseBot resumeBot stopBot configureTradingWindow configureRisk
            haltTrading reduceTrading resumeTrading""",
        Scope.ADMIN: "auditLog tokens createToken revokeToken",
    }.items()
    for name in names.split()
}
# What says more than the least, so that the field itself answers.
GIVEN: dict[str, dict[str, Any]] = {
    "order": {"clientOrderId": "nothing"},
    "cancelOrder": {"input": {"clientOrderId": "nothing"}},
    "candles": {"timeframe": "1m"},
    "candleUpdates": {"timeframe": "1m"},
}
# What has nothing to tell until something happens.
SILENT = {"botDecisions"}
RANKS = list(Scope)
HIDDEN = "hidden"
ACCOUNTS = {"accounts__default__exchange": "paper", f"accounts__{HIDDEN}__exchange": "paper"}
STRANGERS = ["nobody", "unknown", "expired", "revoked"]
ENDED = Closed(4403, "Forbidden")
LIFETIME_SECONDS = 10
GLANCE_SECONDS = 0.25

FIELDS = every_root_field()
QUERIES, MUTATIONS, SUBSCRIPTIONS = (
    [name for operation, name in FIELDS if operation == wanted]
    for wanted in ("query", "mutation", "subscription")
)
NAMING_ACCOUNT = [
    (operation, name)
    for operation, name in FIELDS
    if naming_account(operation, name, least_given(operation, name), HIDDEN)
]
every_field = pytest.mark.parametrize(("operation", "name"), FIELDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """A server, and the secrets of all who come to it."""

    api: Api
    clock: ManualClock
    secrets: dict[str, str | None]
    as_of: str

    def given(self, operation: str, name: str) -> dict[str, Any]:
        after = {"after": self.as_of} if name == "orderUpdates" else {}
        return least_given(operation, name) | GIVEN.get(name, {}) | after


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gate(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gate]:
    """Of its own, for what is let in may halt it."""
    folder = tmp_path_factory.mktemp("gate")
    settings = settings_of(f"sqlite+aiosqlite:///{folder / 'orderdeck.db'}", folder, **ACCOUNTS)
    clock = ManualClock(START)
    async with running(settings, Parts(clock=clock, login_throttle=hasty())) as api:
        as_of = (await api.client().ask("{ orders { asOf } }"))["orders"]["asOf"]
        await place(api.client(), account="default")
        yield Gate(api=api, clock=clock, secrets=await made_secrets(api, clock), as_of=as_of)


async def made_secrets(api: Api, clock: ManualClock) -> dict[str, str | None]:
    admin = api.client()
    expired = await make_ending(api, clock)
    revoked = await create(admin, scopes=["ADMIN"])
    await revoke(admin, revoked["token"]["id"])
    await clock.advance(LIFETIME_SECONDS)
    strangers = {"nobody": None, "unknown": "odk_unknown", "expired": expired["secret"]}
    holders = {scope.value: await make_token(admin, scopes=[scope.value]) for scope in RANKS}
    limited = await make_token(admin, scopes=["ADMIN"], accountNames=["default"])
    return {**strangers, "revoked": revoked["secret"], **holders, "limited": limited}


async def make_ending(api: Api, clock: ManualClock) -> Data:
    """A token of the highest scope that is soon to end."""
    until = clock.now() + timedelta(seconds=LIFETIME_SECONDS)
    return await create(api.client(), scopes=["ADMIN"], expiresAt=until.isoformat())


async def answer(gate: Gate, who: str, operation: str, name: str, given: Data) -> Data:
    """What a root field answers, over HTTP or, where it is watched, over a socket."""
    document, secret = calling(operation, name, depth=1), gate.secrets[who]
    if operation != "subscription":
        return await gate.api.client(secret).response(document, **given)
    async with gate.api.socket() as socket:
        await socket.init(secret)
        await socket.subscribe("1", document, **given)
        hearing = asyncio.create_task(first_heard(socket, name))
        # Who asks right after another who watches the same waits a moment for the next look.
        while not (await asyncio.wait({hearing}, timeout=GLANCE_SECONDS))[0]:
            await gate.clock.advance(GLANCE_SECONDS)
        return await hearing


async def first_heard(socket: Socket, name: str) -> Data:
    """The first answer; none from what stays silent while a later query reads the database."""
    if name in SILENT:
        await socket.subscribe("2", "{ orders { nodes { history { nodes { kind } } } } }")
    message = await socket.hear()
    if message["id"] == "2":
        return {}
    is_error = message["type"] == "error"
    return {"errors": message["payload"]} if is_error else dict(message["payload"])


def refusals(told: Data) -> list[Data]:
    """Where a word of extensions or of a Refusal says why something was not done."""
    answers = [it for value in (told.get("data") or {}).values() for it in as_list(value)]
    data = [it and (it.get("refusal") or it) for it in answers]
    return [*(error["extensions"] for error in told.get("errors", [])), *filter(None, data)]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


async def test_every_root_field_has_its_scope_in_the_table() -> None:
    assert {name for _, name in FIELDS} - set(NEEDED) == set()


@every_field
@pytest.mark.parametrize("held", RANKS)
async def test_a_scope_opens_what_it_includes_and_nothing_more(
    gate: Gate, held: Scope, operation: str, name: str
) -> None:
    told = await answer(gate, held.value, operation, name, gate.given(operation, name))
    errors = told.get("errors", [])
    if RANKS.index(held) < RANKS.index(NEEDED[name]):
        assert [error["extensions"] for error in errors] == [{"code": "FORBIDDEN"}]
        assert errors[0]["path"] == [name]
        assert not any((told["data"] or {}).values())
        return
    assert all(error["extensions"]["code"] == "BAD_USER_INPUT" for error in errors), errors
    assert all(error["path"] == [name] for error in errors), errors


@every_field
@pytest.mark.parametrize("who", STRANGERS)
async def test_a_stranger_is_told_nothing(gate: Gate, who: str, operation: str, name: str) -> None:
    if operation == "subscription":
        async with gate.api.socket() as socket:
            await socket.say(type="connection_init", payload=credentials(gate.secrets[who]))
            assert await socket.closed() == ENDED
        return
    told = await answer(gate, who, operation, name, gate.given(operation, name))
    assert told.get("data") is None
    assert [error["extensions"] for error in told["errors"]] == [{"code": "UNAUTHENTICATED"}]


def credentials(secret: str | None) -> Data:
    return {} if secret is None else {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("ending", ["expired", "revoked"])
@pytest.mark.parametrize("name", SUBSCRIPTIONS)
async def test_what_is_watched_ends_with_its_token(gate: Gate, name: str, ending: str) -> None:
    made = await make_ending(gate.api, gate.clock)
    async with gate.api.socket() as socket:
        await socket.init(made["secret"])
        document = calling("subscription", name, depth=1)
        await socket.subscribe("1", document, **gate.given("subscription", name))
        await first_heard(socket, name)
        if ending == "revoked":
            await revoke(gate.api.client(), made["token"]["id"])
        else:
            await gate.clock.advance(LIFETIME_SECONDS + 1)
        assert await socket.closed() == ENDED


@pytest.mark.parametrize("name", [it for it in QUERIES if NEEDED[it] is not Scope.READ])
async def test_a_query_that_is_forbidden_costs_that_field_alone(gate: Gate, name: str) -> None:
    document = calling("query", name, depth=1, beside="viewer { scopes }")
    reader = gate.api.client(gate.secrets[Scope.READ.value])
    told = await reader.response(document, **gate.given("query", name))
    assert told["data"] == {"viewer": {"scopes": ["READ"]}, name: None}
    assert [error["path"] for error in told["errors"]] == [[name]]


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_mutation_cannot_be_asked_for_by_get(gate: Gate, name: str) -> None:
    document, given = calling("mutation", name, depth=1), gate.given("mutation", name)
    answer = await gate.api.client().get(query=document, variables=json.dumps(given))
    assert answer.status_code == 405
    assert "data" not in answer.json()
    [error] = answer.json()["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize("name", QUERIES)
async def test_a_query_can_be_asked_for_by_get(gate: Gate, name: str) -> None:
    document, given = calling("query", name, depth=1), gate.given("query", name)
    answer = await gate.api.client().get(query=document, variables=json.dumps(given))
    assert answer.status_code == 200
    assert name in answer.json()["data"]


@pytest.mark.parametrize(("operation", "name"), NAMING_ACCOUNT)
async def test_an_account_that_the_token_may_not_see_does_not_exist_for_it(
    gate: Gate, operation: str, name: str
) -> None:
    given = naming_account(operation, name, gate.given(operation, name), HIDDEN)
    assert given is not None
    told = await answer(gate, "limited", operation, name, given)
    words = [it.get("reason") or it.get("code") for it in refusals(told)]
    assert words == ["UNKNOWN_ACCOUNT"]
    assert HIDDEN not in json.dumps(told)
