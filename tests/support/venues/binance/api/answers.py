"""The local Binance's answers: counted for limits, given, or refused in Binance's words."""

import json
from dataclasses import replace
from typing import Any

from tests.support.venues.binance.api.faults import answer_of
from tests.support.venues.binance.api.limits import Limits
from tests.support.venues.binance.api.market_desk import MarketDesk
from tests.support.venues.binance.api.order_desk import OrderDesk
from tests.support.venues.binance.api.refusals import Refused, of_the_engine
from tests.support.venues.engine.declined import Declined
from tests.support.venues.serving.faults import Answer
from tests.support.venues.serving.requests import Request


class Answers:
    def __init__(self, markets: MarketDesk, orders: OrderDesk, limits: Limits) -> None:
        self._markets = markets
        self._orders = orders
        self._limits = limits

    def give(self, request: Request) -> Answer:
        try:
            self._limits.spend(request)
            answer = Answer(body=json.dumps(self._page(request)).encode())
        except Refused as refused:
            answer = answer_of(refused)
        except Declined as declined:
            answer = answer_of(of_the_engine(declined))
        spent = self._limits.headers(request.at)
        return replace(answer, headers={**spent, **answer.headers})

    def _page(self, request: Request) -> Any:
        if request.kind in self._orders.answers:
            return self._orders.answer(request)
        return self._markets.answers[request.kind](request)
