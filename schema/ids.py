"""Global ids and cursors: opaque to clients, and checked when they come back."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never

import strawberry

from app.domain.pages import Key
from app.domain.portfolio.positions import PositionKey
from app.errors import BadInput, CursorInvalid
from schema.scalars import Cursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)
_NAME = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)
_PACKED = re.compile(r"[A-Za-z0-9_-]{1,400}", re.ASCII)


class Kind(StrEnum):
    """The kind of object that an id names; the value is the id's prefix."""

    ACCOUNT = "acc"
    ORDER = "ord"
    FILL = "fil"
    TOKEN = "tok"  # noqa: S105  a prefix
    MARKET = "mkt"
    TICKER = "tck"
    BOOK = "obk"
    AUDIT_ENTRY = "aud"
    POSITION = "pos"
    PORTFOLIO = "pfl"
    WINDOW = "win"
    RISK = "rsk"
    BOT = "bot"
    DECISION = "dec"

    @property
    def shape(self) -> re.Pattern[str]:
        """The pattern of the part after the prefix."""
        match self:
            case Kind.ACCOUNT | Kind.WINDOW | Kind.RISK | Kind.BOT:
                return _NAME
            case Kind.MARKET | Kind.TICKER | Kind.BOOK | Kind.POSITION | Kind.PORTFOLIO:
                return _PACKED
            case Kind.ORDER | Kind.FILL | Kind.TOKEN | Kind.AUDIT_ENTRY | Kind.DECISION:
                return _ULID
            case _:
                assert_never(self)


def encode(kind: Kind, key: str) -> strawberry.ID:
    return strawberry.ID(f"{kind}_{key}")


def encode_symbol(kind: Kind, account: str, symbol: str) -> strawberry.ID:
    return encode(kind, _pack(f"{account}/{symbol}"))


def encode_position(position: PositionKey) -> strawberry.ID:
    return encode(Kind.POSITION, _pack(position.name))


def decode_position(key: str) -> PositionKey | None:
    """The key of a position, or None if the id is malformed."""
    try:
        return PositionKey.named(_unpack(key))
    except ValueError:
        return None


def split(value: str, *, field: str = "id") -> tuple[Kind, str]:
    """The kind and the key of a well-formed id."""
    prefix, _, key = value.partition("_")
    if prefix not in set(Kind) or not Kind(prefix).shape.fullmatch(key):
        raise BadInput(f"{field} is not an id of this API", field=(field,))
    return Kind(prefix), key


def decode(value: str, kind: Kind, *, field: str = "id") -> str:
    found, key = split(value, field=field)
    if found is not kind:
        raise BadInput(
            f"{field} is the id of another kind of object ({found.name.lower()}),"
            f" where one of {kind.name.lower()} is asked for",
            field=(field,),
        )
    return key


def encode_place(list_name: str, key: Key) -> Cursor:
    """A cursor that is valid in this list only."""
    value, tie = key
    first = value if isinstance(value, str) else str((value - _EPOCH) // _MILLISECOND)
    return Cursor(_pack(f"{list_name}|{first}|{tie}"))


def decode_place(cursor: str, list_name: str, *, field: str) -> tuple[str, str]:
    try:
        found, value, tie = _unpack(cursor).split("|")
    except ValueError:
        raise foreign(field) from None
    is_canonical = _pack(f"{found}|{value}|{tie}") == cursor
    # No stored text holds a NUL character, and some databases refuse to look for one.
    if found != list_name or not is_canonical or not f"{value}{tie}".isprintable():
        raise foreign(field)
    return value, tie


def is_key(text: str) -> bool:
    """Whether the text has the form of a row's key, a ULID."""
    return _ULID.fullmatch(text) is not None


def foreign(field: str) -> CursorInvalid:
    return CursorInvalid(f"{field} is not a cursor of this list", field=(field,))


def _pack(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _unpack(text: str) -> str:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("not a packed text") from error
