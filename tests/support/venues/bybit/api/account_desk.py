"""Answers about an account: whose key it is, what it may do, its kind and its balances."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.bybit.api import account_pages, signatures
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.serving.requests import Request, RequestKind


class AccountDesk:
    def __init__(self, books: Books) -> None:
        # The names of those that are no unified accounts.
        self.classic: set[str] = set()
        self._books = books
        self.answers: Mapping[RequestKind, Callable[[Account, Request], Any]] = {
            RequestKind.ACCOUNT: self._balance,
            RequestKind.ACCOUNT_KIND: self._kind,
            RequestKind.RESTRICTIONS: self._key,
        }

    def is_unified(self, account: Account) -> bool:
        return account.name not in self.classic

    def by_key(self, key: str | None) -> Account:
        return signatures.owner_of(key, self._books.accounts.values())

    def owner(self, request: Request) -> Account:
        """The account of the key. Raises Refused if the signature is wrong."""
        account = self.by_key(request.api_key)
        # A socket is logged in once, and its requests are not signed.
        if request.kind is not RequestKind.SUBSCRIBE:
            signatures.check(account, request)
        return account

    def _balance(self, account: Account, request: Request) -> Any:
        return account_pages.balance_page(account, is_unified=self.is_unified(account))

    def _kind(self, account: Account, request: Request) -> Any:
        return account_pages.kind_page(is_unified=self.is_unified(account), at=request.at)

    def _key(self, account: Account, request: Request) -> Any:
        return account_pages.key_page(account, is_unified=self.is_unified(account))
