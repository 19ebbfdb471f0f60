"""Checks the key, passphrase, signature and time of a request and of a login."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from tests.support.venues.engine.accounts import Account
from tests.support.venues.okx.api.refusals import (
    bad_key,
    bad_passphrase,
    bad_signature,
    late,
    unauthorized,
)
from tests.support.venues.serving.requests import Request

WINDOW = 30_000


def passphrase_of(account: Account) -> str:
    return f"passphrase of {account.name}"


def owner_of(key: str | None, accounts: Iterable[Account]) -> Account:
    if not key:
        raise unauthorized("50103", "Request header OK-ACCESS-KEY can not be empty.")
    for account in accounts:
        if account.api_key == key and not account.is_revoked:
            return account
    raise bad_key()


def check(account: Account, request: Request) -> None:
    """Raise Refused if the account did not sign the request, or it is too late or too early."""
    timestamp = request.params["OK-TIMESTAMP"]
    try:
        at = round(datetime.fromisoformat(timestamp).timestamp() * 1000)
    except ValueError:
        raise unauthorized("50112", "Invalid OK-ACCESS-TIMESTAMP") from None
    check_time(at, request.at)
    if request.params["OK-PASSPHRASE"] != passphrase_of(account):
        raise bad_passphrase()
    check_signature(account, timestamp + request.payload, request.params["OK-SIGN"])


def check_time(at: int, now: int) -> None:
    if abs(now - at) > WINDOW:
        raise late()


def check_signature(account: Account, payload: str, given: str) -> None:
    if not hmac.compare_digest(signed(account.secret, payload), given):
        raise bad_signature()


def signed(secret: str, payload: str) -> str:
    digest = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
