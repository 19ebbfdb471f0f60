"""The local KuCoin's answers: counted for limits, given, or refused in KuCoin's words."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.engine.declined import Declined
from tests.support.venues.kucoin.api.account_desk import AccountDesk
from tests.support.venues.kucoin.api.faults import answer_of
from tests.support.venues.kucoin.api.limits import Limits
from tests.support.venues.kucoin.api.market_desk import MarketDesk
from tests.support.venues.kucoin.api.order_desk import OrderDesk
from tests.support.venues.kucoin.api.refusals import Refused, of_the_engine
from tests.support.venues.serving.faults import Answer
from tests.support.venues.serving.requests import Request


class Answers:
    def __init__(
        self, markets: MarketDesk, accounts: AccountDesk, orders: OrderDesk, limits: Limits
    ) -> None:
        self._markets = markets
        self._accounts = accounts
        self._orders = orders
        self._limits = limits

    def give(self, request: Request) -> Answer:
        try:
            self._limits.spend(request)
            page = {"code": "200000", "data": self._data(request)}
        except Refused as refused:
            return answer_of(refused)
        except Declined as declined:
            return answer_of(of_the_engine(declined))
        headers = self._limits.headers(request)
        return Answer(body=json.dumps(page).encode(), headers=headers)

    def _data(self, request: Request) -> Any:
        path = request.params["path"]
        public: Mapping[str, Callable[[Request], Any]] = self._markets.answers
        if path in public:
            return public[path](request)
        account = self._accounts.owner(request)
        if path in self._accounts.answers:
            return self._accounts.answers[path](account, request)
        return self._orders.answers[request.kind](account, request)
