"""Injects every kind of fault at a local exchange in random order, again and again."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle

from app.ports import Clock
from tests.support.processes.clients import PAUSE_SECONDS
from tests.support.venues.serving import faults
from tests.support.venues.serving.deliveries import Delivery, Page
from tests.support.venues.serving.faults import AnyFault, Outcome, Proceed
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.requests import RequestKind

LONGEST_CALM_SECONDS = 0.2
LONGEST_SPELL_SECONDS = 0.6
HIDDEN_SECONDS = 0.8
BAN_SECONDS = 1
# The last exceeds both the client's timeout and the exchange's receive window.
DELAYS_SECONDS = (0.3, 1.5, 2.5)
ORDERS = (RequestKind.CREATE_ORDER, RequestKind.CANCEL_ORDER)
LISTS = (RequestKind.OPEN_ORDERS, RequestKind.ALL_ORDERS, RequestKind.MY_TRADES)
STARTS = (RequestKind.TIME, RequestKind.EXCHANGE_INFO, RequestKind.ACCOUNT, RequestKind.SUBSCRIBE)
_Act = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A fault that counts itself when it strikes a request."""

    name: str
    fault: AnyFault
    struck: Counter[str]

    async def act(self, proceed: Proceed) -> Outcome:
        self.struck[self.name] += 1
        return await self.fault.act(proceed)


class Storm:
    """Injects all faults in random order, then all of them again, until it is stopped."""

    def __init__(
        self, venue: LocalVenue, clock: Clock, chance: random.Random, race: Callable[[], None]
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._chance = chance
        self._race = race
        self._lost = {
            "cut": faults.CUT,
            "html": faults.HTML,
            "502": faults.BAD_GATEWAY,
            "perhaps": venue.own_faults.unknown_outcome,
        }
        self.struck: Counter[str] = Counter()
        self.troubles: Mapping[str, _Act] = {**self._requests(), **self._spells()}

    async def rage(self, until: asyncio.Event) -> None:
        await self._strike(f"{RequestKind.CREATE_ORDER} cut before")
        await self._strike(f"{RequestKind.CREATE_ORDER} cut after")
        deck: list[_Act] = []
        while not until.is_set():
            if not deck:
                deck = list(self.troubles.values())
                self._chance.shuffle(deck)
            await deck.pop()()
            await asyncio.sleep(self._chance.uniform(0, LONGEST_CALM_SECONDS))
        self._venue.light_up()

    async def _strike(self, name: str) -> None:
        """Inject a fault that every run must have, and wait until it strikes."""
        await self.troubles[name]()
        while not self.struck[name]:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(PAUSE_SECONDS)

    def _requests(self) -> Mapping[str, _Act]:
        return {
            f"{kind} {name}": partial(
                self._arm, kind, Counted(name=f"{kind} {name}", fault=fault, struck=self.struck)
            )
            for kind, name, fault in self._request_faults()
        }

    async def _arm(self, kind: RequestKind, fault: AnyFault) -> None:
        """Arm a fault for the next request of a kind; for those of a start, only for a while."""
        self._venue.faults.off(kind)
        self._venue.faults.on(kind, fault)
        if kind in STARTS:
            await self._a_while()
            self._venue.faults.off(kind)

    def _request_faults(self) -> Iterator[tuple[RequestKind, str, AnyFault]]:
        for kind in ORDERS:
            for name, fault in self._lost.items():
                yield kind, f"{name} before", fault
                yield kind, f"{name} after", fault.after_acceptance()
            yield kind, "late", self._venue.own_faults.late
            for seconds in DELAYS_SECONDS:
                slow = faults.delay(self._clock, seconds)
                yield kind, f"{seconds} s before", slow
                yield kind, f"{seconds} s after", slow.after_acceptance()
        for kind, (name, fault) in zip(LISTS + STARTS, cycle(self._lost.items()), strict=False):
            yield kind, name, fault
        for name, fault in self._lost.items():
            yield RequestKind.FETCH_ORDER, name, fault
        for kind in (*ORDERS, RequestKind.FETCH_ORDER):
            yield kind, "cut short", faults.CUT_SHORT
            yield kind, "silence", faults.SILENCE
            yield kind, "429", self._venue.own_faults.too_many(BAN_SECONDS)
            yield kind, "418", self._venue.own_faults.banned(BAN_SECONDS)
        yield RequestKind.CANCEL_ORDER, "race", faults.meanwhile(self._race)

    def _spells(self) -> Mapping[str, _Act]:
        """Faults of the sockets or the whole exchange, most of which last for a while."""
        user, market = self._venue.user_sockets, self._venue.market_sockets
        spells: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "user socket cut": (user.cut, _nothing),
            "market socket cut": (market.cut, _nothing),
            "malformed message": (user.say_nonsense, _nothing),
            "silent stream": (user.fall_silent, _nothing),
            "reports twice": (partial(self._deliver, Delivery.TWICE), self._release),
            "reports lost": (partial(self._deliver, Delivery.NEVER), self._release),
            "reports swapped": (partial(self._deliver, Delivery.HELD), self._release),
            "orders hidden": (
                partial(self._venue.hide_new_orders, HIDDEN_SECONDS),
                partial(self._venue.hide_new_orders, 0),
            ),
            "outage": (self._venue.black_out, self._venue.light_up),
        }
        return {
            name: partial(self._spell, name, begin, end) for name, (begin, end) in spells.items()
        }

    async def _spell(self, name: str, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self.struck[name] += 1
        begin()
        if end is not _nothing:
            await self._a_while()
            end()

    async def _a_while(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, LONGEST_SPELL_SECONDS))

    def _deliver(self, delivery: Delivery) -> None:
        self._venue.user_streams.delivery = delivery

    def _release(self) -> None:
        self._venue.user_streams.release(self._swapped)

    def _swapped(self, events: list[Page]) -> Sequence[Page]:
        return self._chance.sample(events, len(events))


def _nothing() -> None:
    return
