"""What is particular about OKX's streams, over the genuine ccxt."""

from collections.abc import AsyncIterator

import pytest

from app.exchanges.ccxt.streams.stream_reader import FIRST_PAUSE_SECONDS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.okx import OkxRig, trading
from tests.support.exchanges.desks import (
    WATCHDOG_SECONDS,
    filled_unheard,
    hears_again,
    is_reconnecting,
    placed_and_heard,
)


@pytest.fixture
async def desk() -> AsyncIterator[OkxRig]:
    async with trading(ManualClock(START), watchdog_seconds=WATCHDOG_SECONDS) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


async def test_a_notice_of_the_exchange_deafens_no_stream(desk: OkxRig) -> None:
    intent = await placed_and_heard(desk)
    [socket] = desk.venue.user_streams.sockets.open
    words = "The connection will soon be closed for a service upgrade. Please reconnect."
    socket.say({"event": "notice", "code": "64008", "msg": words, "connId": "a4d3ae55"})
    await is_reconnecting(desk)
    report = await filled_unheard(desk, intent, FIRST_PAUSE_SECONDS)
    assert len(report.fills) == 1
    await hears_again(desk)
