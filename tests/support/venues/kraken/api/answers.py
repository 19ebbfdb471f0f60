"""The local Kraken's answers: given, or refused in Kraken's words."""

import json
from typing import Any

from tests.support.venues.engine.declined import Declined
from tests.support.venues.kraken.api.faults import answer_of
from tests.support.venues.kraken.api.market_desk import MarketDesk
from tests.support.venues.kraken.api.order_desk import OrderDesk
from tests.support.venues.kraken.api.refusals import Refused, of_the_engine
from tests.support.venues.serving.faults import Answer
from tests.support.venues.serving.requests import Request


class Answers:
    def __init__(self, markets: MarketDesk, orders: OrderDesk) -> None:
        self._markets = markets
        self._orders = orders

    def give(self, request: Request) -> Answer:
        try:
            page = {"error": [], "result": self._page(request)}
        except Refused as refused:
            return answer_of(refused)
        except Declined as declined:
            return answer_of(of_the_engine(declined))
        return Answer(body=json.dumps(page).encode())

    def _page(self, request: Request) -> Any:
        if request.kind in self._orders.answers:
            return self._orders.answer(request)
        return self._markets.answers[request.kind](request)
