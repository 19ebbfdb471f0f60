"""Checks the token (JWT, ES256) that each request bears and a socket shows once."""

import base64
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.support.venues.coinbase.api.refusals import unauthorized
from tests.support.venues.engine.accounts import Account

LIFE_SECONDS = 120
_ISSUERS = {"cdp", "coinbase-cloud"}
_HALF = 32


def new_key() -> str:
    """A private key as the developer platform hands it out, in PEM."""
    private = ec.generate_private_key(ec.SECP256R1())
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def key_in(token: str) -> str | None:
    """The key's name that a token claims to be of; None if it is no token."""
    try:
        return str(_part(token.split(".", maxsplit=1)[0]).get("kid"))
    except ValueError:
        return None


def owner_of(token: str, accounts: Iterable[Account], *, now: int, uri: str | None) -> Account:
    """Whose token it is. Raises Refused if it is not good for this, here and now.

    A request's token names its method, host and path; that of a socket names nothing.
    """
    try:
        header, claims = (_part(part) for part in token.split(".")[:2])
    except ValueError:
        raise unauthorized() from None
    account = next((each for each in accounts if each.api_key == header.get("kid")), None)
    if account is None or account.is_revoked or header.get("alg") != "ES256":
        raise unauthorized()
    is_meant = claims.get("sub") == account.api_key and claims.get("iss") in _ISSUERS
    if not is_meant or claims.get("uri") != uri or not _is_current(claims, now):
        raise unauthorized()
    if not _is_signed(token, account.secret):
        raise unauthorized()
    return account


def _is_current(claims: dict[str, Any], now: int) -> bool:
    begin, end = claims.get("nbf"), claims.get("exp")
    if not isinstance(begin, int) or not isinstance(end, int) or end - begin > LIFE_SECONDS:
        return False
    return begin * 1000 <= now < end * 1000


def _is_signed(token: str, secret: str) -> bool:
    signed, _, signature = token.rpartition(".")
    raw = _bytes(signature)
    if len(raw) != 2 * _HALF:
        return False
    first, second = (int.from_bytes(half) for half in (raw[:_HALF], raw[_HALF:]))
    der = encode_dss_signature(first, second)
    try:
        _public(secret).verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


@cache
def _public(secret: str) -> ec.EllipticCurvePublicKey:
    private = serialization.load_pem_private_key(secret.encode(), password=None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private.public_key()


def _part(text: str) -> dict[str, Any]:
    return dict(json.loads(_bytes(text)))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
