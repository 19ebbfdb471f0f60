"""Answers about an account: its kind, its balances, what its key may do, and its stream."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.kucoin.api import order_pages, refusals, signatures
from tests.support.venues.kucoin.api.stream_tokens import StreamTokens
from tests.support.venues.serving.requests import Request

Handler = Callable[[Account, Request], Any]
_HIGH_FREQUENCY = "trade_hf"


class AccountDesk:
    def __init__(self, books: Books, tokens: StreamTokens) -> None:
        # The names of those that are unified accounts, and of those without high frequency.
        self.unified: set[str] = set()
        self.low_frequency: set[str] = set()
        self._books = books
        self.answers: Mapping[str, Handler] = {
            "/api/v1/hf/accounts/opened": lambda account, _: account.name not in self.low_frequency,
            "/api/ua/v1/account/mode": self._mode,
            "/api/v1/accounts": self._balances,
            "/api/v1/user/api-key": lambda account, _: order_pages.key_page(account),
            "/api/v1/bullet-private": lambda account, _: tokens.give(account.name),
            "/api/v3/margin/symbols": lambda _, request: {"timestamp": request.at, "items": []},
            "/api/v1/isolated/symbols": lambda *_: [],
        }

    def owner(self, request: Request) -> Account:
        """The account of the key. Raises Refused if the signature is wrong."""
        account = signatures.owner_of(request.api_key, self._books.accounts.values())
        signatures.check(account, request)
        return account

    def _mode(self, account: Account, request: Request) -> Any:
        return {"selfAccountMode": "UNIFIED" if account.name in self.unified else "CLASSIC"}

    def _balances(self, account: Account, request: Request) -> Any:
        kind = request.params.get("type", _HIGH_FREQUENCY)
        if kind not in {"main", "trade", _HIGH_FREQUENCY}:
            raise refusals.wrong("type not in the given range!")
        return order_pages.balance_pages(account) if kind == _HIGH_FREQUENCY else []
