"""Authentication: creates, checks and revokes tokens, and ends the sockets of revoked ones."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from pydantic import SecretStr

from app.domain.access import tokens
from app.domain.access.audit import AuditSubject
from app.domain.access.tokens import Scope, Token
from app.errors import (
    Denied,
    Refusal,
    RefusalCode,
    StorageError,
    Unauthenticated,
)
from app.ports import Clock
from app.services.access.admin_tokens import AdminTokens, TokenFactory, digest_of, valid_admins
from app.services.access.login_throttle import LoginThrottle
from app.storage.database import Database

REREAD_SECONDS = 0.5
TOUCH_INTERVAL = timedelta(minutes=1)
CACHE_SIZE = 1024

_logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class _RevocationWatch:
    """The sockets that wait for the end of one token."""

    token: Token
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0


class AuthService:
    """Checks tokens; a revocation takes effect at once, one by another process within a second."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        account_names: Collection[str],
        login_throttle: LoginThrottle,
        token_factory: TokenFactory | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._account_names = tuple(sorted(account_names))
        self._login_throttle = login_throttle
        self._token_factory = token_factory or TokenFactory()
        self._admins = AdminTokens(database, clock, self._token_factory)
        self._cache: OrderedDict[str, tuple[Token, float]] = OrderedDict()
        # Many requests with one token wait for the same reading of it.
        self._readings: dict[str, asyncio.Future[Token | None]] = {}
        # Secrets that were right once: wrong ones from the same address do not slow them down.
        self._trusted: OrderedDict[str, None] = OrderedDict()
        self._revocations = 0
        self._used: dict[str, datetime] = {}
        self._watches: dict[str, _RevocationWatch] = {}

    def now(self) -> datetime:
        return self._clock.now()

    async def authenticate(self, secret: str, address: str) -> Token:
        """The valid token with this secret; raises Unauthenticated if there is none."""
        digest = digest_of(secret)
        if digest not in self._trusted:
            self._login_throttle.check(address)
        now = self._clock.now()
        token = await self._recall(digest)
        if token is None:
            await self._login_throttle.delay(address)
            raise Unauthenticated("no such token")
        if not token.is_valid(now):
            how = "was revoked" if token.revoked_at is not None else "has expired"
            _logger.warning("token.ended", id=token.id, name=token.name, how=how, address=address)
            raise Unauthenticated(f"this token {how}")
        self._trust(digest)
        if token.last_used_at is None or now - token.last_used_at >= TOUCH_INTERVAL:
            self._used[token.id] = now
        return token

    async def create(
        self,
        *,
        name: str,
        scopes: Collection[Scope],
        account_names: Collection[str] | None = None,
        expires_at: datetime | None = None,
        granter: Token | None = None,
    ) -> tuple[Token, str]:
        """Create a token; its secret is returned this once and stored nowhere."""
        now = self._clock.now()
        token = Token(
            id=self._token_factory.make_id(now),
            name=name,
            scopes=tokens.ordered(scopes),
            account_names=None if account_names is None else tuple(dict.fromkeys(account_names)),
            created_at=now,
            expires_at=None if expires_at is None else _to_millisecond(expires_at),
        )
        if refusal := tokens.check_new(
            token, now=now, known_accounts=self._account_names, granter=granter
        ):
            raise Denied(refusal)
        secret = self._token_factory.make_secret()
        async with self._database.transaction() as tx:
            await tx.tokens.insert(token, digest=digest_of(secret))
            await tx.attempted(AuditSubject.token(token.id))
        return token, secret

    async def revoke(self, token_id: str) -> Token:
        """Revoke a token; one that is revoked already stays as it is."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await tx.tokens.hold()
            token = await tx.tokens.find(token_id)
            if token is None:
                raise _denied(RefusalCode.NOT_FOUND, "there is no token with this id")
            if token.revoked_at is not None:
                return token
            if [admin.id for admin in await valid_admins(tx, now)] == [token_id]:
                words = "the last valid ADMIN token cannot be revoked: create another first"
                raise _denied(RefusalCode.INVALID_STATE, words)
            await tx.tokens.revoke(token_id, at=now)
            await tx.attempted(AuditSubject.token(token_id))
        self._forget(token_id)
        return replace(token, revoked_at=now)

    async def list(self) -> Sequence[Token]:
        """Every token, newest first."""
        async with self._database.snapshot() as view:
            return await view.tokens.list()

    async def ended(self, token: Token) -> None:
        """Return when the token is revoked, here or by another process, or has expired."""
        if not token.is_valid(self._clock.now()):
            return
        watch = self._watches.setdefault(token.id, _RevocationWatch(token))
        watch.waiting += 1
        try:
            await watch.ended.wait()
        finally:
            watch.waiting -= 1
            if not watch.waiting and self._watches.get(token.id) is watch:
                del self._watches[token.id]

    async def run(self) -> None:
        """Store when tokens were used, and end watched ones that expired or were revoked."""
        while True:
            await self._clock.sleep(REREAD_SECONDS)
            self._end_expired()
            try:
                await self._end_revoked()
                await self._write_used()
            except StorageError:
                _logger.warning("tokens.not_kept", exc_info=True)

    async def ensure_admin(self, data_dir: Path, configured: SecretStr | None) -> None:
        """Make sure that a valid ADMIN token exists: the configured one, or else the file's."""
        await self._admins.ensure(data_dir, configured)
        self._cache.clear()

    async def _recall(self, digest: str) -> Token | None:
        """The token with this digest, from the cache if it was read within half a second."""
        now = self._clock.elapsed()
        if known := self._cache.get(digest):
            token, read_at = known
            if now - read_at < REREAD_SECONDS:
                self._cache.move_to_end(digest)
                return token
        reading = self._readings.get(digest)
        if reading is None:
            return await self._read_for_all(digest, now)
        # A reader may be canceled before the end; then the next one reads.
        await asyncio.wait([reading])
        return await self._recall(digest) if reading.cancelled() else reading.result()

    async def _read_for_all(self, digest: str, now: float) -> Token | None:
        """Read the token; those who ask for it meanwhile get the same answer."""
        reading = self._readings[digest] = asyncio.get_running_loop().create_future()
        try:
            token = await self._read(digest, now)
        except StorageError as error:
            reading.set_exception(error)
            # Looked at, so that asyncio does not log it when nobody waits for it.
            reading.exception()
            raise
        else:
            reading.set_result(token)
            return token
        finally:
            reading.cancel()
            if self._readings.get(digest) is reading:
                del self._readings[digest]

    async def _read(self, digest: str, now: float) -> Token | None:
        revocations = self._revocations
        async with self._database.snapshot() as view:
            read = await view.tokens.find_by_digest(digest)
        if read is None or revocations != self._revocations:
            self._cache.pop(digest, None)
            return read
        self._cache[digest] = (read, now)
        self._cache.move_to_end(digest)
        if len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return read

    def _trust(self, digest: str) -> None:
        self._trusted[digest] = None
        self._trusted.move_to_end(digest)
        if len(self._trusted) > CACHE_SIZE:
            self._trusted.popitem(last=False)

    def _forget(self, token_id: str) -> None:
        """Make a revocation take effect at once in this process."""
        self._revocations += 1
        self._cache.clear()
        self._readings.clear()
        self._end(token_id)

    def _end(self, token_id: str) -> None:
        if watch := self._watches.pop(token_id, None):
            watch.ended.set()

    def _end_expired(self) -> None:
        now = self._clock.now()
        for watch in tuple(self._watches.values()):
            if watch.token.is_expired(now):
                self._end(watch.token.id)

    async def _end_revoked(self) -> None:
        watched = tuple(self._watches)
        if not watched:
            return
        async with self._database.snapshot() as view:
            known = await view.tokens.find_all(watched)
        unrevoked = {token.id for token in known if token.revoked_at is None}
        for token_id in watched:
            if token_id not in unrevoked:
                self._end(token_id)

    async def _write_used(self) -> None:
        if not self._used:
            return
        used, self._used = self._used, {}
        async with self._database.transaction() as tx:
            for token_id, at in used.items():
                await tx.tokens.touch(token_id, at=at, interval=TOUCH_INTERVAL)
        self._cache.clear()


def _to_millisecond(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _denied(code: RefusalCode, message: str) -> Denied:
    return Denied(Refusal(code=code, message=message, field=("id",)))
