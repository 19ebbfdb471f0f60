"""Those who try tokens, and what it costs everybody else."""

import asyncio
from pathlib import Path

import httpx

from app.runtime import Parts
from app.services.access.login_throttle import MOST_WAITING, LoginThrottle
from tests.api.conftest import running, settings_of
from tests.conftest import START
from tests.support.api.clients import Client, Closed
from tests.support.api.metrics import value
from tests.support.clock import ManualClock

WHO = {"query": "{ viewer { name } }"}


async def test_the_hundred_and_first_is_sent_away_unheard_and_who_is_known_comes_in(
    database_url: str, tmp_path: Path
) -> None:
    clock = ManualClock(START)
    parts = Parts(clock=ManualClock(START), login_throttle=LoginThrottle(clock))
    many = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=None))
    async with running(settings_of(database_url, tmp_path), parts) as api, many:
        await api.client().ask(WHO["query"])
        wrong = Client(many, api.address, "odk_wrong")
        waiting = [asyncio.create_task(wrong.post(WHO)) for _ in range(MOST_WAITING)]
        await clock.until_asleep(MOST_WAITING)
        answer = await wrong.post(WHO)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        [error] = answer.json()["errors"]
        assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": 0.5}
        async with api.socket() as socket:
            await socket.say(type="connection_init", payload={"Authorization": "Bearer odk_wrong"})
            assert await socket.closed() == Closed(1013, "Try again later")
        assert (await api.client().ask(WHO["query"]))["viewer"]["name"]
        await clock.advance(1)
        assert {(await answer).status_code for answer in waiting} == {401}
        for code, count in (("UNAUTHENTICATED", MOST_WAITING), ("RATE_LIMITED", 2)):
            assert await value(api.client(), "orderdeck_tokens_refused_total", code=code) == count
