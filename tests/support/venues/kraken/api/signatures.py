"""Checks the key, the signature and the growing nonce of a private request."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from tests.support.venues.engine.accounts import Account
from tests.support.venues.kraken.api.refusals import (
    invalid_key,
    invalid_nonce,
    invalid_signature,
)
from tests.support.venues.serving.requests import Request

SIGNATURE = "API-Sign"
PATH = "path"


class Signatures:
    """Knows the last nonce of each key: there is no window, a smaller one is refused."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self.refused_nonces = 0

    def owner(self, request: Request, accounts: Iterable[Account]) -> Account:
        """The account of the key. Raises Refused."""
        account = next((each for each in accounts if each.api_key == request.api_key), None)
        if account is None or account.is_revoked:
            raise invalid_key()
        nonce = request.params.get("nonce", "")
        given = request.params.get(SIGNATURE, "")
        wanted = signed(account.secret, request.params.get(PATH, ""), nonce, request.payload)
        if not hmac.compare_digest(wanted, given):
            raise invalid_signature()
        self._take(account.api_key, nonce)
        return account

    def _take(self, key: str, nonce: str) -> None:
        if not nonce.isdigit() or int(nonce) <= self._last.get(key, 0):
            self.refused_nonces += 1
            raise invalid_nonce()
        self._last[key] = int(nonce)


def signed(secret: str, path: str, nonce: str, body: str) -> str:
    digest = hashlib.sha256((nonce + body).encode()).digest()
    try:
        key = base64.b64decode(secret)
    except binascii.Error:
        raise invalid_signature() from None
    return base64.b64encode(hmac.new(key, path.encode() + digest, hashlib.sha512).digest()).decode()
