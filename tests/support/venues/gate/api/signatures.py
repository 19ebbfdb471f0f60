"""Checks the key, signature and time of a request and of a subscription."""

import hashlib
import hmac
from collections.abc import Iterable

from tests.support.venues.engine.accounts import Account
from tests.support.venues.gate.api.refusals import bad_key, bad_signature, late, unauthorized
from tests.support.venues.serving.requests import Request

WINDOW_SECONDS = 60


def owner_of(key: str | None, accounts: Iterable[Account]) -> Account:
    if not key:
        raise unauthorized("MISSING_REQUIRED_HEADER", "Missing required header: KEY")
    for account in accounts:
        if account.api_key == key and not account.is_revoked:
            return account
    raise bad_key()


def check(account: Account, request: Request) -> None:
    """Raise Refused if the account did not sign the request, or it is too late or too early."""
    timestamp = request.params["GATE-TIMESTAMP"]
    if not timestamp.isdecimal():
        raise unauthorized("MISSING_REQUIRED_HEADER", "Missing required header: Timestamp")
    check_time(int(timestamp), request.at)
    check_signature(account, f"{request.payload}\n{timestamp}", request.params["GATE-SIGN"])


def check_time(seconds: int, now: int) -> None:
    if abs(now / 1000 - seconds) > WINDOW_SECONDS:
        raise late()


def check_signature(account: Account, payload: str, given: str) -> None:
    signed = hmac.new(account.secret.encode(), payload.encode(), hashlib.sha512).hexdigest()
    if not hmac.compare_digest(signed, given):
        raise bad_signature()
