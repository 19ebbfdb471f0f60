"""The path of every request: it is recorded, given its fault, and answered."""

from collections.abc import Callable
from dataclasses import replace

from tests.support.venues.serving.faults import Answer, Faults, Outcome
from tests.support.venues.serving.requests import Journal, Request


class Gate:
    """Admits requests to an exchange; answer gives every answer, refusals too."""

    def __init__(self, answer: Callable[[Request], Answer], now: Callable[[], int]) -> None:
        self.journal = Journal()
        self.faults = Faults()
        # Errors of the local exchange itself, which fail the test.
        self.crashes: list[Exception] = []
        self._answer = answer
        self._now = now

    async def admit(self, request: Request) -> Outcome:
        self.journal.write(request)
        fault = self.faults.take(request.kind)

        async def proceed() -> Answer:
            return self._answered(replace(request, at=self._now()))

        return await fault.act(proceed) if fault else await proceed()

    def _answered(self, request: Request) -> Answer:
        try:
            return self._answer(request)
        except Exception as crash:
            self.crashes.append(crash)
            raise
