"""TokenStore: access tokens. Only the digest of a secret is ever stored."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, insert, or_, select, text, update

from app.domain.access.tokens import Scope, Token, TokenOrigin
from app.storage import tables
from app.storage.engine.sql import Sql

_table = tables.tokens
_tokens = _table.c

_SELECTING_DIGITS = 16
_AFTER_DIGITS = "g"


class TokenStore:
    """Every token ever created, newest first."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def insert(self, token: Token, *, digest: str) -> None:
        await self._sql.run(insert(_table).values(id=token.id, digest=digest, **_columns(token)))

    async def replace(self, token: Token) -> None:
        """Overwrite a stored token, except its digest."""
        await self._sql.run(update(_table).where(_tokens.id == token.id).values(**_columns(token)))

    async def find(self, token_id: str) -> Token | None:
        row = await self._sql.first(select(_table).where(_tokens.id == token_id))
        return None if row is None else _token(row)

    async def find_by_digest(self, digest: str) -> Token | None:
        """The token with this digest; the time it takes reveals nothing about other digests."""
        # The index compares only the beginning; the rest is compared in constant time.
        begin = digest[:_SELECTING_DIGITS]
        alike = _tokens.digest.between(begin, f"{begin}{_AFTER_DIGITS}")
        rows = await self._sql.all(select(_table).where(alike))
        found = [row for row in rows if secrets.compare_digest(row["digest"], digest)]
        return _token(found[0]) if found else None

    async def find_all(self, token_ids: Iterable[str]) -> Sequence[Token]:
        found = select(_table).where(_tokens.id.in_(list(token_ids)))
        return [_token(row) for row in await self._sql.all(found)]

    async def list(self) -> Sequence[Token]:
        newest_first = select(_table).order_by(_tokens.created_at.desc(), _tokens.id.desc())
        return [_token(row) for row in await self._sql.all(newest_first)]

    async def hold(self) -> None:
        """Keep others from creating or revoking tokens until the commit."""
        # SQLite has a single writer anyway.
        if self._sql.dialect == "postgresql":
            await self._sql.run(text("LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE"))

    async def unrevoked(self) -> Sequence[Token]:
        found = select(_table).where(_tokens.revoked_at.is_(None))
        return [_token(row) for row in await self._sql.all(found)]

    async def has_origin(self, origin: TokenOrigin) -> bool:
        found = select(_tokens.id).where(_tokens.origin == str(origin)).limit(1)
        return await self._sql.first(found) is not None

    async def revoke(self, token_id: str, *, at: datetime) -> bool:
        """Revoke a token; returns False if it was revoked already."""
        return await self._revoke(_tokens.id == token_id, at=at) == 1

    async def revoke_others(self, origin: TokenOrigin, *, digest: str | None, at: datetime) -> int:
        """Revoke all tokens of this origin except the one with this digest."""
        others = _tokens.origin == str(origin)
        if digest is not None:
            others = and_(others, _tokens.digest != digest)
        return await self._revoke(others, at=at)

    async def touch(self, token_id: str, *, at: datetime, interval: timedelta) -> None:
        """Record a token's use, unless the last record is younger than the interval."""
        is_due = or_(_tokens.last_used_at.is_(None), _tokens.last_used_at <= at - interval)
        due = update(_table).where(_tokens.id == token_id, is_due)
        await self._sql.run(due.values(last_used_at=at))

    async def _revoke(self, which: ColumnElement[bool], *, at: datetime) -> int:
        unrevoked = update(_table).where(which, _tokens.revoked_at.is_(None))
        return await self._sql.run(unrevoked.values(revoked_at=at))


def _columns(token: Token) -> dict[str, Any]:
    return {
        "name": token.name,
        "scopes": [str(scope) for scope in token.scopes],
        "account_names": None if token.account_names is None else list(token.account_names),
        "origin": str(token.origin),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
    }


def _token(row: RowMapping) -> Token:
    names = row["account_names"]
    return Token(
        id=row["id"],
        name=row["name"],
        scopes=tuple(Scope(scope) for scope in row["scopes"]),
        account_names=None if names is None else tuple(names),
        origin=TokenOrigin(row["origin"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
    )
