"""What is particular about KuCoin's streams: a token opens them, for a day."""

from tests.support.exchanges.at.kucoin import KucoinRig
from tests.support.exchanges.desks import (
    cut,
    filled_unheard,
    hears_again,
    placed_and_heard,
    while_time_passes,
)
from tests.support.exchanges.venue_rigs import subscribed
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind


async def test_a_stream_whose_token_has_expired_is_opened_with_a_new_one(desk: KucoinRig) -> None:
    intent = await placed_and_heard(desk)
    tokens = desk.venue.journal.count(RequestKind.STREAM_TOKEN)
    desk.venue.tokens.expire()
    await cut(desk)
    report = await filled_unheard(desk, intent, 0.5)
    assert [fill.fee is not None for fill in report.fills] == [True]
    await while_time_passes(desk, subscribed(desk))
    assert desk.venue.journal.count(RequestKind.STREAM_TOKEN) == tokens + 1
    await hears_again(desk)


async def test_a_token_that_cannot_be_had_is_asked_for_until_it_can(desk: KucoinRig) -> None:
    await placed_and_heard(desk)
    desk.venue.tokens.expire()
    desk.venue.faults.on(RequestKind.STREAM_TOKEN, faults.BAD_GATEWAY, times=2)
    tokens = desk.venue.journal.count(RequestKind.STREAM_TOKEN)
    await cut(desk)
    await while_time_passes(desk, subscribed(desk))
    assert desk.venue.journal.count(RequestKind.STREAM_TOKEN) == tokens + 3
    await hears_again(desk)
