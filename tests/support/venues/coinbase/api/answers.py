"""The local Coinbase's answers: counted for limits, given, or refused in Coinbase's words."""

import json
from typing import Any

from tests.support.venues.coinbase.api import rest, signatures
from tests.support.venues.coinbase.api.account_pages import ACCOUNT_ANSWERS
from tests.support.venues.coinbase.api.limits import Limits
from tests.support.venues.coinbase.api.market_desk import MarketDesk
from tests.support.venues.coinbase.api.order_desk import OrderDesk
from tests.support.venues.coinbase.api.refusals import Refused, answer_of, of_the_engine
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.declined import Declined
from tests.support.venues.serving.faults import Answer
from tests.support.venues.serving.requests import Request, RequestKind


class Answers:
    def __init__(
        self, books: Books, markets: MarketDesk, orders: OrderDesk, limits: Limits
    ) -> None:
        self._books = books
        self._markets = markets
        self._orders = orders
        self._limits = limits

    def give(self, request: Request) -> Answer:
        try:
            self._limits.spend(request)
            return Answer(body=json.dumps(self._page(request)).encode())
        except Refused as refused:
            return answer_of(refused)
        except Declined as declined:
            return answer_of(of_the_engine(declined))

    def _page(self, request: Request) -> Any:
        # A socket's token was looked at when it was shown.
        if request.kind is RequestKind.SUBSCRIBE:
            return {}
        if request.kind in self._markets.answers:
            return self._markets.answers[request.kind](request)
        account = signatures.owner_of(
            request.params[rest.TOKEN],
            self._books.accounts.values(),
            now=request.at,
            uri=request.params[rest.URI],
        )
        if request.kind in ACCOUNT_ANSWERS:
            return ACCOUNT_ANSWERS[request.kind](account)
        return self._orders.answers[request.kind](account, request)
