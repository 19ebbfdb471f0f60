"""The path of every request: it is recorded, given its fault, counted for limits and answered."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.support.binance.api.faults import Answer, Faults, Outcome, answer_of
from tests.support.binance.api.limits import Limits
from tests.support.binance.api.market_desk import MarketDesk
from tests.support.binance.api.order_desk import OrderDesk
from tests.support.binance.api.requests import Journal, Request
from tests.support.binance.engine.refusals import Refused


class Gate:
    def __init__(
        self, markets: MarketDesk, orders: OrderDesk, limits: Limits, now: Callable[[], int]
    ) -> None:
        self.journal = Journal()
        self.faults = Faults()
        self.limits = limits
        self.crashes: list[Exception] = []
        self._markets = markets
        self._orders = orders
        self._now = now

    async def admit(self, request: Request) -> Outcome:
        self.journal.write(request)
        fault = self.faults.take(request.kind)

        async def proceed() -> Answer:
            return self._answer(replace(request, at=self._now()))

        return await fault.act(proceed) if fault else await proceed()

    def _answer(self, request: Request) -> Answer:
        try:
            self.limits.spend(request)
            answer = Answer(body=json.dumps(self._page(request)).encode())
        except Refused as refused:
            answer = answer_of(refused)
        except Exception as crash:
            self.crashes.append(crash)
            raise
        spent = self.limits.headers(request.at)
        return replace(answer, headers={**spent, **answer.headers})

    def _page(self, request: Request) -> Any:
        if request.kind in self._orders.answers:
            return self._orders.answer(request)
        return self._markets.answers[request.kind](request)
