"""Checks the key, passphrase, signature and time of a request."""

import base64
import hashlib
import hmac
from collections.abc import Iterable

from tests.support.venues.engine.accounts import Account
from tests.support.venues.kucoin.api.refusals import (
    bad_key,
    bad_passphrase,
    bad_signature,
    late,
    unauthorized,
)
from tests.support.venues.serving.requests import Request

WINDOW = 5_000
# Version 2 sends the passphrase signed, version 1 as it is.
_KEY_VERSION = "2"


def passphrase_of(account: Account) -> str:
    return f"passphrase of {account.name}"


def owner_of(key: str | None, accounts: Iterable[Account]) -> Account:
    if not key:
        raise unauthorized("400001", "Please check the header of your request for KC-API-KEY")
    for account in accounts:
        if account.api_key == key and not account.is_revoked:
            return account
    raise bad_key()


def check(account: Account, request: Request) -> None:
    """Raise Refused if the account did not sign the request, or it is too late or too early."""
    head = request.params
    timestamp = head["KC-API-TIMESTAMP"]
    if not timestamp.isdigit() or abs(request.at - int(timestamp)) > WINDOW:
        raise late()
    if head["KC-API-KEY-VERSION"] != _KEY_VERSION:
        raise unauthorized("400011", "KC-API-KEY-VERSION Invalid")
    passphrase = signed(account.secret, passphrase_of(account))
    if not hmac.compare_digest(passphrase, head["KC-API-PASSPHRASE"]):
        raise bad_passphrase()
    wanted = signed(account.secret, timestamp + request.payload)
    if not hmac.compare_digest(wanted, head["KC-API-SIGN"]):
        raise bad_signature()


def signed(secret: str, payload: str) -> str:
    digest = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
