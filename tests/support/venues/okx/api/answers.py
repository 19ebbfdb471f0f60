"""The local OKX's answers: counted for limits, given, or refused in OKX's words."""

import json

from tests.support.venues.engine.declined import Declined
from tests.support.venues.okx.api.faults import answer_of
from tests.support.venues.okx.api.limits import Limits
from tests.support.venues.okx.api.market_desk import MarketDesk
from tests.support.venues.okx.api.order_desk import OrderDesk
from tests.support.venues.okx.api.refusals import Refused, of_the_engine
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
            page = {"code": "0", "msg": "", "data": self._rows(request)}
        except Refused as refused:
            return answer_of(refused, request.client_order_id or "")
        except Declined as declined:
            return answer_of(of_the_engine(declined), request.client_order_id or "")
        return Answer(body=json.dumps(page).encode())

    def _rows(self, request: Request) -> list[object]:
        if request.kind in self._orders.answers:
            return self._orders.answer(request)
        return self._markets.answers[request.kind](request)
