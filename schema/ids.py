"""Global ids and cursors: opaque to clients, and checked when they come back."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import strawberry

from app.domain.pages import Key
from app.errors import BadInput, CursorInvalid
from schema.scalars import Cursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)
_NAME = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)


class Kind(StrEnum):
    """What an id is of."""

    ACCOUNT = "acc"
    ORDER = "ord"
    FILL = "fil"
    TOKEN = "tok"  # noqa: S105  a prefix
    MARKET = "mkt"
    TICKER = "tck"


def encode(kind: Kind, key: str) -> strawberry.ID:
    return strawberry.ID(f"{kind}_{key}")


def encode_symbol(kind: Kind, account: str, symbol: str) -> strawberry.ID:
    return encode(kind, _pack(f"{account}/{symbol}"))


def split(value: str, *, field: str = "id") -> tuple[Kind, str]:
    """The kind and the key of a well-formed id."""
    prefix, _, key = value.partition("_")
    shape = _NAME if prefix == Kind.ACCOUNT else _ULID
    if prefix not in set(Kind) or not shape.fullmatch(key):
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
    """A cursor that is good in one list only."""
    value, tie = key
    first = value if isinstance(value, str) else str((value - _EPOCH) // _MILLISECOND)
    return Cursor(_pack(f"{list_name}|{first}|{tie}"))


def decode_place(cursor: str, list_name: str, *, field: str) -> tuple[str, str]:
    try:
        found, value, tie = _unpack(cursor).split("|")
    except ValueError:
        raise foreign(field) from None
    if found != list_name or _pack(f"{found}|{value}|{tie}") != cursor:
        raise foreign(field)
    return value, tie


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
