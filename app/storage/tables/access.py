"""Tables of access: tokens and the audit log."""

from sqlalchemy import Column, Index, Integer, String, Table

from app.storage.engine.column_types import Json, UtcTime
from app.storage.tables.base import metadata

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("account_names", Json),
    Column("origin", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("last_used_at", UtcTime),
    Column("revoked_at", UtcTime),
)

# Who changed what. A subject is identified by kind and key.
audit = Table(
    "audit",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("actor_id", String(26)),
    Column("action", String(64), nullable=False),
    Column("subject_kind", String(16)),
    Column("subject_key", String(200)),
    Column("outcome", String(16), nullable=False),
    Column("code", String(64)),
    Column("request_id", String(64), nullable=False),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("last_at", UtcTime),
    Index(None, "at", "id"),
    Index(None, "last_at"),
)
