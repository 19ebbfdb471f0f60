"""Annotated types for settings, with the words that report a bad value."""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    StringConstraints,
)

from app.domain import money
from app.domain.access import tokens
from app.domain.accounts import AccountMode

SECONDS_WORDS = "must be a number of seconds above 0, up to 86400"
FEE_WORDS = 'must be a string from "0" to less than "1": "0.001" is a tenth of a percent'
KEY_WORDS = "must be a string"
KEY_FILE_WORDS = "must be the path of a file"
FILE_WORDS = "must be the path of a file that is there"
NETWORKS_WORDS = "must be addresses or networks with commas between, such as 10.0.0.0/8"
FOLDER_WORDS = "must be the path of a folder that is there"
BUDGET_WORDS = "must be a whole number from 0, which means no limit, to 1000000000"
NO_PORT_WORDS = "such as deck.example.com or ::1, without a port"

_MAX_URL = 2000
_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?")
_HOST = r"^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)$"
_ORIGIN = r"^[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"
_DATABASE_URL = re.compile(
    r"postgresql\+asyncpg://(.*@)?(\[[^\]]+\]|[^:/?#\[\]]*)(:[0-9]{1,5})?(/[^?]*)?(\?.*)?"
    r"|sqlite\+aiosqlite:///(?!:memory:)[^?]+(\?.*)?"
)


def _exact(value: object) -> Decimal:
    """An exact Decimal; a float is refused, because it may have been rounded already."""
    if isinstance(value, bool | float):
        raise ValueError('must be written as a string, such as "0.001": a float is not exact')
    text = money.plain(value) if isinstance(value, Decimal) else str(value).strip()
    if not _PLAIN_DECIMAL.fullmatch(text):
        raise ValueError('must be a plain number such as "0.001": up to 20 digits, then 18 places')
    return Decimal(text)


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _listed(value: object) -> object:
    """A list as it is, or parsed from JSON or from names separated by commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return [name.strip() for name in value.split(",") if name.strip()]


def _database_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    scheme, _, _ = url.partition("://")
    if scheme in {"postgres", "postgresql"}:
        raise ValueError(f"must begin with postgresql+asyncpg:// instead of {scheme}://")
    if len(url) > _MAX_URL or not _DATABASE_URL.fullmatch(url):
        raise ValueError(
            "must be postgresql+asyncpg://user:password@host:port/name or sqlite+aiosqlite:///file"
        )
    return value


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(NETWORKS_WORDS) from None
    return value


def _admin_token(value: SecretStr) -> SecretStr:
    if not tokens.is_usable_secret(value.get_secret_value()):
        raise ValueError("must have 32 characters or more, printable ASCII without spaces")
    return value


def _file(value: Path) -> Path:
    if not os.path.isfile(value):  # noqa: PTH113  never raises, whatever the path
        raise ValueError(FILE_WORDS)
    return value


def _folder(value: Path) -> Path:
    if not os.path.isdir(value):  # noqa: PTH112  never raises, whatever the path
        raise ValueError(FOLDER_WORDS)
    return value


def _mode(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if not text or not text.isascii():
        raise ValueError("must be the text that the exchange gave out, without anything else")
    return SecretStr(text)


def _tabled(value: object) -> object:
    """A table as it is, or parsed from JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError('must be a table, as JSON: {"httpsProxy": "http://..."}') from None


_Name = TypeVar("_Name")
_Value = TypeVar("_Value")
Table = Annotated[Mapping[_Name, _Value], AfterValidator(MappingProxyType), PlainSerializer(dict)]
Whole = Annotated[int, BeforeValidator(_no_boolean)]
Budget = Annotated[Whole, Field(ge=0, le=1_000_000_000)]
Seconds = Annotated[
    float, BeforeValidator(_no_boolean), Field(gt=0, le=86_400, allow_inf_nan=False)
]
Amount = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0)]
Fee = Annotated[Amount, Field(lt=1)]
Host = Annotated[str, StringConstraints(pattern=_HOST, to_lower=True)]
# In a Host header an IPv6 address is in brackets.
HeaderHost = Annotated[Host, AfterValidator(lambda host: f"[{host}]" if ":" in host else host)]
Network = Annotated[str, AfterValidator(_network)]
Origin = Annotated[str, StringConstraints(pattern=_ORIGIN, to_lower=True)]
Asset = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9._-]{1,32}$")]
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
ExchangeId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{2,32}$")]
Key = Annotated[SecretStr, AfterValidator(_key)]
File = Annotated[Path, AfterValidator(_file)]
Folder = Annotated[Path, AfterValidator(_folder)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
AdminToken = Annotated[SecretStr, AfterValidator(_admin_token)]
Mode = Annotated[AccountMode, BeforeValidator(_mode)]
Listed = BeforeValidator(_listed)
Overrides = Annotated[dict[str, Any], BeforeValidator(_tabled)]
