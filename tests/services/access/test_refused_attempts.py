"""Refused attempts: the first is stored at once, and those that follow are counted."""

import asyncio
from datetime import timedelta

import pytest

from app.domain.access.audit import AuditEntry, AuditOutcome, AuditResult, AuditSubject
from app.domain.access.tokens import Scope, Token
from app.domain.pages import PageRequest
from app.errors import Denied, Refusal, RefusalCode
from app.exchanges.paper.faults import Faults
from app.services import Services
from app.services.access.audit import acting
from app.services.access.refused_attempts import SHARED_SECONDS, WRITE_SECONDS
from app.storage.database import Database
from tests.conftest import on_each_database
from tests.support.clock import ManualClock
from tests.support.makers import make_request

pytestmark = on_each_database

FORBIDDEN = AuditResult(outcome=AuditOutcome.REFUSED, code="FORBIDDEN")
ORDER = AuditSubject.order("1" * 26)


@pytest.fixture
async def token(services: Services) -> Token:
    made, _ = await services.auth.create(name="reader", scopes=[Scope.READ])
    return made


async def refuse(
    services: Services,
    token: Token,
    action: str = "placeOrder",
    ending: AuditResult = FORBIDDEN,
) -> None:
    await services.audit.ended(services.audit.attempt(token, action, "request"), ending)


async def entries(database: Database) -> list[AuditEntry]:
    """The entries, oldest first."""
    async with database.snapshot() as view:
        page = await view.audit.page(PageRequest(size=5000))
    return list(reversed(page.items))


async def test_a_single_one_is_there_at_once(
    services: Services, database: Database, token: Token, clock: ManualClock
) -> None:
    await refuse(services, token)
    [entry] = await entries(database)
    assert (entry.actor, entry.actor_id, entry.action) == ("reader", token.id, "placeOrder")
    assert (entry.outcome, entry.code, entry.count) == (AuditOutcome.REFUSED, "FORBIDDEN", 1)
    assert entry.at == entry.last_at == clock.now()


async def test_a_flood_is_one_entry_a_minute_with_its_count_and_both_times(
    services: Services, database: Database, token: Token, clock: ManualClock
) -> None:
    began = clock.now()
    await asyncio.gather(*(refuse(services, token) for _ in range(300)))
    await clock.advance(30)
    await asyncio.gather(*(refuse(services, token) for _ in range(100)))
    await clock.advance(WRITE_SECONDS)
    [entry] = await entries(database)
    assert entry.count == 400
    assert (entry.at, entry.last_at) == (began, began + timedelta(seconds=30))
    await clock.advance(SHARED_SECONDS)
    await refuse(services, token)
    assert [entry.count for entry in await entries(database)] == [400, 1]


async def test_a_flood_writes_once_a_second_and_not_once_an_attempt(
    services: Services, database: Database, token: Token, clock: ManualClock
) -> None:
    await refuse(services, token)
    for _ in range(500):
        await refuse(services, token)
    assert [entry.count for entry in await entries(database)] == [1]
    await clock.advance(WRITE_SECONDS)
    assert [entry.count for entry in await entries(database)] == [501]


async def test_tokens_fields_and_codes_have_entries_of_their_own(
    services: Services, database: Database, token: Token
) -> None:
    other, _ = await services.auth.create(name="other", scopes=[Scope.READ])
    away = AuditResult(outcome=AuditOutcome.REFUSED, code="NOT_FOUND")
    for _ in range(2):
        await refuse(services, token)
        await refuse(services, other)
        await refuse(services, token, "cancelOrder")
        await refuse(services, token, "cancelOrder", away)
    told = [(entry.actor, entry.action, entry.code) for entry in await entries(database)]
    assert sorted(told) == [
        ("other", "placeOrder", "FORBIDDEN"),
        ("reader", "cancelOrder", "FORBIDDEN"),
        ("reader", "cancelOrder", "NOT_FOUND"),
        ("reader", "placeOrder", "FORBIDDEN"),
    ]


async def test_an_entry_names_a_subject_only_if_all_had_it(
    services: Services, database: Database, token: Token, clock: ManualClock
) -> None:
    closed = AuditResult(outcome=AuditOutcome.REFUSED, code="ALREADY_CLOSED", subject=ORDER)
    other = AuditResult(
        outcome=AuditOutcome.REFUSED, code="ALREADY_CLOSED", subject=AuditSubject.order("2" * 26)
    )
    for ending, subject in ((closed, ORDER), (closed, ORDER), (other, None)):
        await refuse(services, token, "cancelOrder", ending)
        await clock.advance(WRITE_SECONDS)
        [entry] = await entries(database)
        assert entry.subject == subject
    assert entry.count == 3


async def test_old_ones_are_deleted_and_what_was_done_stays(
    services: Services, database: Database, token: Token, clock: ManualClock, faults: Faults
) -> None:
    with acting(services.audit.attempt(token, "placeOrder", "request")):
        await services.orders.place(make_request())
    # The exchange refuses this one: the order is kept, and so is its entry.
    faults.refusal = Refusal(code=RefusalCode.REJECTED_BY_EXCHANGE, message="no")
    attempt = services.audit.attempt(token, "placeOrder", "request")
    with acting(attempt), pytest.raises(Denied) as denied:
        await services.orders.place(make_request(client_order_id="another"))
    await services.audit.ended(
        attempt, AuditResult(outcome=AuditOutcome.REFUSED, code=str(denied.value.refusal.code))
    )
    kept = await entries(database)
    assert [entry.outcome for entry in kept] == [AuditOutcome.DONE, AuditOutcome.REFUSED]
    for number in range(600):
        await refuse(services, token, f"field{number}")
    assert len(await entries(database)) == len(kept) + 600
    await clock.advance(60)
    await services.audit.refused.prune(timedelta(minutes=2))
    assert len(await entries(database)) == len(kept) + 600
    await services.audit.refused.prune(timedelta(seconds=59))
    assert await entries(database) == kept


async def test_what_is_counted_is_written_when_the_server_stops(
    services: Services, database: Database, token: Token
) -> None:
    for _ in range(7):
        await refuse(services, token)
    running = asyncio.create_task(services.audit.refused.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert [entry.count for entry in await entries(database)] == [7]
