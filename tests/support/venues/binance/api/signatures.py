"""Checks the key, signature and timestamp of a request."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

from tests.support.venues.binance.api.integers import integer
from tests.support.venues.binance.api.refusals import (
    bad_key,
    bad_key_format,
    bad_signature,
    missing,
    receive_window_too_large,
    timestamp_ahead,
    timestamp_behind,
)
from tests.support.venues.engine.accounts import Account

DEFAULT_WINDOW = 5000
_MOST_WINDOW = 60_000
_MOST_AHEAD = 1000


def owner_of(key: str | None, accounts: Iterable[Account]) -> Account:
    if not key or not re.fullmatch("[A-Za-z0-9]{64}", key):
        raise bad_key_format()
    for account in accounts:
        if account.api_key == key and not account.is_revoked:
            return account
    raise bad_key()


def check(account: Account, payload: str, params: Mapping[str, str], *, now: int) -> None:
    """Raise Refused if the account did not sign the request, or its timestamp is too old."""
    _check_time(params, now)
    given = params.get("signature")
    if not given:
        raise missing("signature")
    if not hmac.compare_digest(signed(account.secret, payload), given.lower()):
        raise bad_signature()


def signed(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def without_signature(text: str) -> str:
    return re.sub("(^|&)signature=[^&]*", "", text)


def _check_time(params: Mapping[str, str], now: int) -> None:
    timestamp = integer(params, "timestamp")
    window = integer(params, "recvWindow", DEFAULT_WINDOW)
    if window > _MOST_WINDOW:
        raise receive_window_too_large()
    if timestamp >= now + _MOST_AHEAD:
        raise timestamp_ahead()
    if now - timestamp > window:
        raise timestamp_behind()
