"""The local Bybit's answers: counted for limits, given, or refused in Bybit's words."""

import json
from dataclasses import replace
from typing import Any

from tests.support.venues.bybit.api.account_desk import AccountDesk
from tests.support.venues.bybit.api.faults import answer_of
from tests.support.venues.bybit.api.limits import Limits
from tests.support.venues.bybit.api.market_desk import MarketDesk
from tests.support.venues.bybit.api.order_desk import OrderDesk
from tests.support.venues.bybit.api.refusals import Refused, of_the_engine
from tests.support.venues.engine.declined import Declined
from tests.support.venues.serving.faults import Answer
from tests.support.venues.serving.requests import Request


class Answers:
    def __init__(
        self, accounts: AccountDesk, markets: MarketDesk, orders: OrderDesk, limits: Limits
    ) -> None:
        self._accounts = accounts
        self._markets = markets
        self._orders = orders
        self._limits = limits

    def give(self, request: Request) -> Answer:
        try:
            self._limits.spend(request)
            answer = Answer(body=json.dumps(self._page(request)).encode())
        except Refused as refused:
            answer = answer_of(refused, at=request.at)
        except Declined as declined:
            answer = answer_of(of_the_engine(declined), at=request.at)
        return replace(answer, headers={**self._limits.headers(request), **answer.headers})

    def _page(self, request: Request) -> Any:
        return {
            "retCode": 0,
            "retMsg": "OK",
            "result": self._result(request),
            "retExtInfo": {},
            "time": request.at,
        }

    def _result(self, request: Request) -> Any:
        if request.kind in self._markets.answers:
            return self._markets.answers[request.kind](request)
        account = self._accounts.owner(request)
        if request.kind in self._accounts.answers:
            return self._accounts.answers[request.kind](account, request)
        return self._orders.answers[request.kind](account, request)
