"""The first ADMIN token: the one from the settings, or else one written to a file."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr
from ulid import ULID

from app.domain.access import tokens
from app.domain.access.tokens import Scope, Token, TokenOrigin
from app.errors import StorageUnavailable
from app.ports import Clock
from app.storage.database import Database, Snapshot, Transaction

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def new_secret() -> str:
    """A secret with 256 random bits."""
    return f"odk_{secrets.token_urlsafe(32)}"


def new_id(now: datetime) -> str:
    return str(ULID.from_datetime(now))


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenFactory:
    """Makes secrets and ids for new tokens."""

    make_secret: Callable[[], str] = new_secret
    make_id: Callable[[datetime], str] = new_id


class AdminTokens:
    """Makes sure that a valid ADMIN token exists."""

    def __init__(self, database: Database, clock: Clock, factory: TokenFactory) -> None:
        self._database = database
        self._clock = clock
        self._factory = factory

    async def ensure(self, data_dir: Path, configured: SecretStr | None) -> None:
        """Store the configured token, or else the one in the file, which is written if missing."""
        path = data_dir / tokens.ADMIN_FILE
        async with self._database.transaction() as tx:
            await tx.tokens.hold()
            if configured is not None:
                await self._ensure_configured(tx, configured.get_secret_value())
            else:
                await self._ensure_file(tx, path)

    async def _ensure_configured(self, tx: Transaction, secret: str) -> None:
        now = self._clock.now()
        digest = digest_of(secret)
        await tx.tokens.revoke_others(TokenOrigin.CONFIGURED, digest=digest, at=now)
        wanted = self._admin(TokenOrigin.CONFIGURED, now)
        known = await tx.tokens.find_by_digest(digest)
        if known is None:
            await tx.tokens.insert(wanted, digest=digest)
        elif not _is_full_admin(known):
            await tx.tokens.replace(replace(wanted, id=known.id, created_at=known.created_at))

    async def _ensure_file(self, tx: Transaction, path: Path) -> None:
        now = self._clock.now()
        await tx.tokens.revoke_others(TokenOrigin.CONFIGURED, digest=None, at=now)
        secret = await asyncio.to_thread(_read_secret, path)
        if secret is not None and await tx.tokens.find_by_digest(digest_of(secret)) is None:
            # Written just before a crash, or by the owner of the data folder: the file is right.
            await self._admit_file(tx, secret)
            return
        if await valid_admins(tx, now) and await tx.tokens.has_origin(TokenOrigin.FILE):
            return
        secret = self._factory.make_secret()
        await asyncio.to_thread(_write_secret, path, secret)
        await self._admit_file(tx, secret)

    async def _admit_file(self, tx: Transaction, secret: str) -> None:
        now = self._clock.now()
        digest = digest_of(secret)
        await tx.tokens.revoke_others(TokenOrigin.FILE, digest=digest, at=now)
        await tx.tokens.insert(self._admin(TokenOrigin.FILE, now), digest=digest)

    def _admin(self, origin: TokenOrigin, now: datetime) -> Token:
        return Token(
            id=self._factory.make_id(now),
            name=_ADMIN_NAMES[origin],
            scopes=(Scope.ADMIN,),
            origin=origin,
            created_at=now,
        )


_ADMIN_NAMES = {
    TokenOrigin.FILE: "admin-token file",
    TokenOrigin.CONFIGURED: "configured admin token",
}


async def valid_admins(view: Snapshot, now: datetime) -> Sequence[Token]:
    unrevoked = await view.tokens.unrevoked()
    return [token for token in unrevoked if token.is_valid(now) and token.allows(Scope.ADMIN)]


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _is_full_admin(token: Token) -> bool:
    is_unlimited = token.account_names is None and token.expires_at is None
    return token.revoked_at is None and is_unlimited and token.allows(Scope.ADMIN)


def _read_secret(path: Path) -> str | None:
    try:
        secret = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageUnavailable(f"{path} cannot be read: {error.strerror}") from error
    return secret if tokens.is_usable_secret(secret) else None


def _write_secret(path: Path, secret: str) -> None:
    """Write the file atomically and durably, readable by its owner only."""
    unfinished = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, _NEW_FILE, 0o600), "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageUnavailable(f"{path} cannot be written: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
