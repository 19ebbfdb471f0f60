"""Token: an access token with its scopes, accounts and expiry, and the checks of a new one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.errors import Refusal, RefusalCode

ADMIN_FILE = "admin-token"
MAX_NAME_LENGTH = 100
MIN_SECRET_LENGTH = 32


class Scope(StrEnum):
    """What a token may do; each scope includes those before it."""

    READ = "READ"
    TRADE = "TRADE"
    CONTROL = "CONTROL"
    ADMIN = "ADMIN"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    def includes(self, other: "Scope") -> bool:
        return self.rank >= other.rank


_RANKS = {scope: rank for rank, scope in enumerate(Scope)}


class TokenOrigin(StrEnum):
    """Where the secret is: with the person who created it, in the data folder, in the settings."""

    CREATED = "CREATED"
    FILE = "FILE"
    CONFIGURED = "CONFIGURED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A token as it is stored, without its secret. None as account names means all accounts."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    account_names: tuple[str, ...] | None = None
    origin: TokenOrigin = TokenOrigin.CREATED
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and not self.is_expired(now)

    def allows(self, scope: Scope) -> bool:
        return any(held.includes(scope) for held in self.scopes)

    def sees(self, account: str) -> bool:
        return self.account_names is None or account in self.account_names


def ordered(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """Each scope once, the lowest first."""
    return tuple(sorted(set(scopes), key=lambda scope: scope.rank))


def is_usable_secret(secret: str) -> bool:
    """Whether it is long enough for a secret and contains only what a header can carry."""
    return len(secret) >= MIN_SECRET_LENGTH and all("!" <= character <= "~" for character in secret)


def check_new(
    token: Token, *, now: datetime, known_accounts: Collection[str], granter: Token | None = None
) -> Refusal | None:
    """Why the token may not be created, or None. A granter cannot grant accounts it cannot see."""
    if not token.name.strip() or not token.name.isprintable():
        return _refused("name", "name must have printable characters and be more than spaces")
    if len(token.name) > MAX_NAME_LENGTH:
        return _refused("name", f"name must not be longer than {MAX_NAME_LENGTH} characters")
    if not token.scopes:
        return _refused("scopes", f"scopes must name at least one of {', '.join(Scope)}")
    if token.is_expired(now):
        return _refused(
            "expiresAt", f"expiresAt must be in the future; it is now {now:%Y-%m-%dT%H:%M:%SZ}"
        )
    visible = [name for name in known_accounts if granter is None or granter.sees(name)]
    return _check_accounts(token.account_names, sorted(visible), granter)


def _check_accounts(
    names: tuple[str, ...] | None, visible: Sequence[str], granter: Token | None
) -> Refusal | None:
    choice = ", ".join(visible)
    if names is None:
        if granter is None or granter.account_names is None:
            return None
        return _refused(
            "accountNames", f"accountNames must be among those you see yourself: {choice}"
        )
    if not names:
        return _refused(
            "accountNames", f"accountNames is empty: leave it out, or choose from {choice}"
        )
    unknown = [name for name in names if name not in visible]
    if unknown:
        return _refused(
            "accountNames", f"no account is called {unknown[0]!r:.80}; there is {choice}"
        )
    return None


def _refused(field: str, message: str) -> Refusal:
    return Refusal(code=RefusalCode.INVALID_INPUT, message=message, field=(field,))
