"""Everything that can be set, with what is allowed and the defaults."""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.domain import money, tokens
from app.domain.accounts import AccountMode

PAPER_EXCHANGE = "paper"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 compared with, not bound to

_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?")
_HOST = r"^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)$"
_ORIGIN = r"^[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"
_DATABASE_URL = re.compile(
    r"postgresql\+asyncpg://(.*@)?(\[[^\]]+\]|[^:/?#\[\]]*)(:[0-9]{1,5})?(/[^?]*)?(\?.*)?"
    r"|sqlite\+aiosqlite:///(?!:memory:)[^?]+(\?.*)?"
)


def _exact(value: object) -> Decimal:
    """Let nothing become an amount that was rounded on its way here."""
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
    """A list as it is, as JSON, or as names with commas between."""
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
    if not _DATABASE_URL.fullmatch(url):
        raise ValueError(
            "must be postgresql+asyncpg://user:password@host:port/name or sqlite+aiosqlite:///file"
        )
    return value


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(_NETWORKS) from None
    return value


def _admin_token(value: SecretStr) -> SecretStr:
    if not tokens.is_usable_secret(value.get_secret_value()):
        raise ValueError("must have 32 characters or more, printable ASCII without spaces")
    return value


def _file(value: Path) -> Path:
    if not os.path.isfile(value):  # noqa: PTH113  never raises, whatever the path
        raise ValueError(_FILE)
    return value


def _folder(value: Path) -> Path:
    if not os.path.isdir(value):  # noqa: PTH112  never raises, whatever the path
        raise ValueError(_FOLDER)
    return value


def _mode(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if not text or not text.isascii():
        raise ValueError("must be the text that the exchange gave out, without anything else")
    return SecretStr(text)


def _tabled(value: object) -> object:
    """A table as it is, or as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError('must be a table, as JSON: {"httpsProxy": "http://..."}') from None


def _named_accounts(value: object) -> object:
    """None is the paper account; an account called paper needs not say that it is on paper."""
    if not value:
        return _default_accounts()
    if isinstance(value, Mapping) and isinstance(value.get("paper"), dict):
        return {**value, "paper": {"exchange": "paper", **value["paper"]}}
    return value


def _default_accounts() -> Mapping[str, "AccountSettings"]:
    return MappingProxyType({"paper": AccountSettings(exchange="paper")})


def _default_database_url(validated: dict[str, Any]) -> SecretStr:
    return SecretStr(f"sqlite+aiosqlite:///{validated['data_dir'] / 'orderdeck.db'}")


def _default_hosts(validated: dict[str, Any]) -> tuple[str, ...]:
    host: str = validated["host"]
    return _LOOPBACK if host in {*_LOOPBACK, *_EVERYWHERE} else (*_LOOPBACK, host)


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
# In a header an IPv6 address stands in brackets.
HeaderHost = Annotated[Host, AfterValidator(lambda host: f"[{host}]" if ":" in host else host)]
Network = Annotated[str, AfterValidator(_network)]
Origin = Annotated[str, StringConstraints(pattern=_ORIGIN, to_lower=True)]
Asset = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9._-]{1,32}$")]
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
ExchangeId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{2,32}$")]
Key = Annotated[SecretStr, AfterValidator(_key)]
File = Annotated[Path, AfterValidator(_file)]
Folder = Annotated[Path, AfterValidator(_folder)]
Overrides = Annotated[dict[str, Any], BeforeValidator(_tabled)]

_SECONDS = "must be a number of seconds above 0, up to 86400"
_FEE = 'must be a string from "0" to less than "1": "0.001" is a tenth of a percent'
_KEY = "must be a string"
_KEY_FILE = "must be the path of a file"
_FILE = "must be the path of a file that is there"
_NETWORKS = "must be addresses or networks with commas between, such as 10.0.0.0/8"
_FOLDER = "must be the path of a folder that is there"
_BUDGET = "must be a whole number from 0, which means no limit, to 1000000000"
_NO_PORT = "such as deck.example.com or ::1, without a port"


class PaperSettings(BaseModel):
    """What an account on the paper exchange starts with, and what trading costs there."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    balances: Table[Asset, Amount] = Field(
        default_factory=lambda: MappingProxyType({"USDT": Decimal(10_000)}),
        description='must be a table such as { USDT = "10000" }, its amounts not negative,'
        " its names 1 to 32 of A-Z 0-9 . - _",
    )
    maker_fee: Fee = Field(default=Decimal("0.001"), description=_FEE)
    taker_fee: Fee = Field(default=Decimal("0.001"), description=_FEE)
    seed: Whole = Field(
        default=1, ge=0, lt=1 << 63, description="must be a whole number from 0 to 2^63 - 1"
    )


class AccountSettings(BaseModel):
    """One account: an exchange, a mode, the keys to it and its limits."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    exchange: ExchangeId = Field(
        description='must be "paper", or the id of an exchange that ccxt knows, such as "binance"'
    )
    mode: Annotated[AccountMode, BeforeValidator(_mode)] = Field(
        default=AccountMode.PAPER,
        description='must be "paper" (simulated fills), "sandbox" (the exchange\'s testnet)'
        ' or "live" (real money)',
    )
    api_key: Key | None = Field(default=None, description=_KEY)
    api_key_file: Path | None = Field(default=None, description=_KEY_FILE)
    secret: Key | None = Field(default=None, description=_KEY)
    secret_file: Path | None = Field(default=None, description=_KEY_FILE)
    password: Key | None = Field(default=None, description=_KEY)
    password_file: Path | None = Field(default=None, description=_KEY_FILE)
    ccxt: Overrides = Field(
        default_factory=dict,
        repr=False,
        description='must be a table, such as { httpsProxy = "http://localhost:3128" }',
    )
    max_open_orders: Whole | None = Field(
        default=None, ge=1, le=1_000_000, description="must be a whole number from 1 to 1000000"
    )
    paper: PaperSettings = Field(
        default_factory=PaperSettings, description="must be a table such as { seed = 1 }"
    )

    @property
    def is_simulated(self) -> bool:
        """Whether even the prices are made here."""
        return self.exchange == PAPER_EXCHANGE

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> Self:
        if self.mode is AccountMode.PAPER:
            return self
        if self.is_simulated:
            raise ValueError(
                'must not have this mode: the exchange "paper" has no other than paper'
            )
        missing = [name for name in ("api_key", "secret") if getattr(self, name) is None]
        if missing:
            files = " and ".join(f"{name}_file" for name in missing)
            raise ValueError(f"needs the keys to the exchange in this mode: set {files}")
        return self


class Settings(BaseSettings):
    """Everything that can be set, each thing in one way."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: Host = Field(
        default="127.0.0.1", description=f"must be a host name or address, {_NO_PORT}"
    )
    port: Whole = Field(
        default=8000, ge=0, le=65_535, description="must be a whole number from 0 to 65535"
    )
    data_dir: Path = Field(default=Path("data"), description="must be the path of a folder")
    database_url: Annotated[SecretStr, AfterValidator(_database_url)] = Field(
        default_factory=_default_database_url, description="must be a string"
    )
    allowed_hosts: Annotated[tuple[HeaderHost, ...], BeforeValidator(_listed)] = Field(
        default_factory=_default_hosts,
        min_length=1,
        description=f"must be host names or addresses with commas between, {_NO_PORT}",
    )
    allowed_origins: Annotated[tuple[Origin, ...], BeforeValidator(_listed)] = Field(
        default=(),
        description="must be origins with commas between, such as https://deck.example.com,"
        " without a path or a slash behind",
    )
    tls_cert: File | None = Field(default=None, description=_FILE)
    tls_key: File | None = Field(default=None, validate_default=True, description=_FILE)
    behind_proxy: bool = Field(default=False, description="must be true or false")
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_listed)] = Field(
        default=("127.0.0.1", "::1"),
        description=_NETWORKS,
    )
    admin_token: Annotated[SecretStr, AfterValidator(_admin_token)] | None = Field(
        default=None, description="must be a string"
    )
    admin_token_file: Path | None = Field(default=None, description="must be the path of a file")
    strategies_dir: Folder | None = Field(default=None, description=_FOLDER)
    reconcile_seconds: Seconds = Field(default=15, description=_SECONDS)
    watchdog_seconds: Seconds = Field(default=30, description=_SECONDS)
    not_found_seconds: Seconds | None = Field(default=None, description=_SECONDS)
    exchange_timeout_seconds: Seconds = Field(default=10, description=_SECONDS)
    event_retention_days: Whole | None = Field(
        default=None, ge=1, le=36_500, description="must be a whole number of days from 1 to 36500"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description='must be "json" (an object a line), "console" (for people), or "auto"'
        " (for people on a terminal)",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description='must be "debug", "info", "warning" or "error"'
    )
    orders_per_second: Budget = Field(default=10_000, description=_BUDGET)
    cost_per_second: Budget = Field(default=500_000, description=_BUDGET)
    subscriptions_per_second: Budget = Field(default=2000, description=_BUDGET)
    open_subscriptions: Budget = Field(default=5000, description=_BUDGET)
    accounts: Annotated[Table[AccountName, AccountSettings], BeforeValidator(_named_accounts)] = (
        Field(
            default_factory=_default_accounts,
            description="must be tables [accounts.NAME], their names 1 to 64 of a-z 0-9 - _",
        )
    )

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way reads what is said: a token is all that a thief needs."""
        return self.tls_cert is not None or self.behind_proxy

    @field_validator("tls_key")
    @classmethod
    def _has_both_halves_of_tls(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if "tls_cert" in info.data and (info.data["tls_cert"] is None) != (key is None):
            raise ValueError("and tls_cert belong together: set both, or none")
        return key

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing behind the caller's back: `load_settings` says where values come from."""
        return (init_settings,)
