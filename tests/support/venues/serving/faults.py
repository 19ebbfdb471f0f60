"""Faults that a test injects into requests: lost, late, cut, corrupted or refused answers."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from app.ports import Clock
from tests.support.venues.serving.requests import RequestKind

_HUGE = 50 * 1024 * 1024
_HTML = "<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    is_cut_short: bool = False


@dataclass(frozen=True, kw_only=True)
class Silence:
    """The request is never answered, and its connection stays open."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The connection is closed without an answer."""


Outcome = Answer | Silence | Cut
Proceed = Callable[[], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Replaces the answer; is_handled says whether the request takes effect nevertheless."""

    outcome: Outcome
    is_handled: bool = False

    def after_acceptance(self) -> "Fault":
        return replace(self, is_handled=True)

    async def act(self, proceed: Proceed) -> Outcome:
        if self.is_handled:
            await proceed()
        return self.outcome


@dataclass(frozen=True, kw_only=True)
class Spoiled:
    """Corrupts the true answer."""

    spoil: Callable[[Answer], Answer]

    async def act(self, proceed: Proceed) -> Outcome:
        return self.spoil(await proceed())


@dataclass(frozen=True, kw_only=True)
class Meanwhile:
    """Runs something before a request is handled, or between its handling and the answer."""

    happen: Callable[[], Awaitable[None]]
    is_handled: bool = False

    def after_acceptance(self) -> "Meanwhile":
        return replace(self, is_handled=True)

    async def act(self, proceed: Proceed) -> Outcome:
        if not self.is_handled:
            await self.happen()
            return await proceed()
        answer = await proceed()
        await self.happen()
        return answer


class AnyFault(Protocol):
    """Anything that can happen to one request."""

    async def act(self, proceed: Proceed) -> Outcome: ...


@dataclass(kw_only=True)
class _Plan:
    fault: AnyFault
    left: int | None


class Faults:
    """The faults that are armed for each kind of request."""

    def __init__(self) -> None:
        self._plans: dict[RequestKind, list[_Plan]] = {}

    def on(self, kind: RequestKind, fault: AnyFault, *, times: int | None = 1) -> None:
        """Arm a fault for the next requests of a kind, `times` of them, or all if that is None."""
        self._plans.setdefault(kind, []).append(_Plan(fault=fault, left=times))

    def everywhere(self, fault: AnyFault) -> None:
        for kind in RequestKind:
            self.on(kind, fault, times=None)

    def off(self, kind: RequestKind | None = None) -> None:
        for each in list(self._plans) if kind is None else [kind]:
            self._plans.pop(each, None)

    def take(self, kind: RequestKind) -> AnyFault | None:
        plans = self._plans.get(kind)
        if not plans:
            return None
        plan = plans[0]
        if plan.left is not None:
            plan.left -= 1
            if not plan.left:
                plans.pop(0)
        return plan.fault


def page(status: int, title: str) -> Fault:
    """An HTML page, as proxies and CDNs serve."""
    body = _HTML.format(title=title).encode()
    return Fault(outcome=Answer(status=status, body=body, content_type="text/html"))


def meanwhile(happen: Callable[[], object]) -> Meanwhile:
    async def run() -> None:
        happen()

    return Meanwhile(happen=run)


def delay(clock: Clock, seconds: float) -> Meanwhile:
    return Meanwhile(happen=lambda: clock.sleep(seconds))


def spoiled(change: Callable[[Any], Any]) -> Spoiled:
    """Change the JSON of the true answer."""

    def spoil(answer: Answer) -> Answer:
        return replace(answer, body=json.dumps(change(json.loads(answer.body))).encode())

    return Spoiled(spoil=spoil)


def without(*names: str) -> Spoiled:
    return spoiled(lambda page: {key: value for key, value in page.items() if key not in names})


def with_(**values: object) -> Spoiled:
    return spoiled(lambda page: page | values)


def huge(size: int = _HUGE) -> Fault:
    """A JSON object with one enormous string."""
    return Fault(outcome=Answer(body=b'{"padding":"%s"}' % (b"x" * size)))


CUT = Fault(outcome=Cut())
SILENCE = Fault(outcome=Silence())
CUT_SHORT = Spoiled(spoil=lambda answer: replace(answer, is_cut_short=True))
HTML = page(200, "Welcome")
EMPTY = Fault(outcome=Answer(body=b"{}"))
FORBIDDEN = page(403, "403 Forbidden")
INTERNAL_ERROR = page(500, "500 Internal Server Error")
BAD_GATEWAY = page(502, "502 Bad Gateway")
UNAVAILABLE = page(503, "503 Service Unavailable")
GATEWAY_TIMEOUT = page(504, "504 Gateway Timeout")
