"""The local Gate's answers: counted for limits, given, or refused in Gate's words."""

import json

from tests.support.venues.engine.declined import Declined
from tests.support.venues.gate.api.faults import answer_of
from tests.support.venues.gate.api.limits import Limits
from tests.support.venues.gate.api.market_desk import MarketDesk
from tests.support.venues.gate.api.order_desk import OrderDesk
from tests.support.venues.gate.api.refusals import Refused, of_the_engine
from tests.support.venues.serving.faults import Answer
from tests.support.venues.serving.requests import Request, RequestKind


class Answers:
    def __init__(self, markets: MarketDesk, orders: OrderDesk, limits: Limits) -> None:
        self._markets = markets
        self._orders = orders
        self._limits = limits

    def give(self, request: Request) -> Answer:
        try:
            self._limits.spend(request)
            page = self._page(request)
        except Refused as refused:
            return answer_of(refused)
        except Declined as declined:
            return answer_of(of_the_engine(declined))
        status = 201 if request.kind is RequestKind.CREATE_ORDER else 200
        return Answer(status=status, body=json.dumps(page).encode())

    def _page(self, request: Request) -> object:
        if request.kind in self._orders.answers:
            return self._orders.answer(request)
        return self._markets.answers[request.kind](request)
