"""Checks the key, signature and receive window of a request, and the login of a socket."""

import hashlib
import hmac
from collections.abc import Iterable

from tests.support.venues.bybit.api.integers import integer
from tests.support.venues.bybit.api.refusals import (
    bad_key,
    bad_signature,
    out_of_window,
    parameter_error,
)
from tests.support.venues.engine.accounts import Account
from tests.support.venues.serving.requests import Request

_DEFAULT_WINDOW = 5000
_MOST_AHEAD = 1000


def owner_of(key: str | None, accounts: Iterable[Account]) -> Account:
    for account in accounts:
        if account.api_key == key and not account.is_revoked:
            return account
    raise bad_key()


def check(account: Account, request: Request) -> None:
    """Raise Refused if the account did not sign the request, or it comes too late or too early."""
    params = request.params
    if not params.get("timestamp") or not params.get("signature"):
        raise parameter_error("empty value: apiTimestamp[] apiKey[] apiSignature[]")
    timestamp = integer(params, "timestamp", 0)
    window = integer(params, "recvWindow", _DEFAULT_WINDOW)
    if not request.at - window <= timestamp < request.at + _MOST_AHEAD:
        raise out_of_window(timestamp=timestamp, now=request.at, window=window)
    signed = f"{timestamp}{account.api_key}{params.get('recvWindow', '')}{request.payload}"
    if not hmac.compare_digest(signature(account.secret, signed), params["signature"]):
        raise bad_signature()


def is_login(account: Account, expires: str, given: str, *, now: int) -> bool:
    """Whether the account signed this login, and it has not expired."""
    if not expires.isdecimal() or int(expires) <= now:
        return False
    return hmac.compare_digest(signature(account.secret, f"GET/realtime{expires}"), given)


def signature(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
