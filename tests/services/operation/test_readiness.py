from app.bus import Bus
from app.services.accounts import AccountService
from app.services.metrics import Metrics
from app.services.operation.event_loop_lag import MEMORY_SECONDS, EventLoopLag
from app.services.operation.readiness import HealthCheck, Readiness, ReadinessWord
from app.storage.database import Database
from tests.support.clock import ManualClock


def readiness(database: Database, loop: EventLoopLag, clock: ManualClock) -> Readiness:
    return Readiness(database, AccountService(database, clock, []), loop, clock)


async def test_a_loop_that_was_held_up_is_unready_for_a_while(
    database: Database, clock: ManualClock
) -> None:
    seconds = 100.0
    loop = EventLoopLag(Metrics(), lambda: seconds)
    ready = readiness(database, loop, clock)
    loop.note(0.2)
    assert (await ready.look()).word is ReadinessWord.READY
    loop.note(2.5)
    await clock.advance(1)
    state = await ready.look()
    assert state.word is ReadinessWord.UNREADY
    assert state.problems == {HealthCheck.LOOP: "it was held up for 2.5 s"}
    seconds += MEMORY_SECONDS
    await clock.advance(1)
    assert (await ready.look()).word is ReadinessWord.READY


async def test_a_database_that_cannot_be_reached_is_unready(clock: ManualClock) -> None:
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", Bus())
    state = await readiness(database, EventLoopLag(Metrics()), clock).look()
    assert state.word is ReadinessWord.UNREADY
    assert set(state.problems) == {HealthCheck.DATABASE}
    await database.close()


async def test_asking_again_and_again_looks_once_a_second(
    database: Database, clock: ManualClock
) -> None:
    ready = readiness(database, EventLoopLag(Metrics()), clock)
    first = await ready.look()
    assert await ready.look() is first
    await clock.advance(1)
    assert await ready.look() is not first
