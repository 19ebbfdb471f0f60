"""Settings, AccountSettings and PaperSettings: every setting with its bounds and default."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.domain.accounts import AccountMode
from app.settings.values import (
    BUDGET_WORDS,
    FEE_WORDS,
    FILE_WORDS,
    FOLDER_WORDS,
    KEY_FILE_WORDS,
    KEY_WORDS,
    NETWORKS_WORDS,
    NO_PORT_WORDS,
    SECONDS_WORDS,
    AccountName,
    AdminToken,
    Amount,
    Asset,
    Budget,
    DatabaseUrl,
    ExchangeId,
    Fee,
    File,
    Folder,
    HeaderHost,
    Host,
    Key,
    Listed,
    Mode,
    Network,
    Origin,
    Overrides,
    Seconds,
    Table,
    Whole,
)

PAPER_EXCHANGE = "paper"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 compared with, not bound to


def _named_accounts(value: object) -> object:
    """The default account if none is set; an account named paper is on the paper exchange."""
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


class PaperSettings(BaseModel):
    """A paper account's opening balances, fees and seed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    balances: Table[Asset, Amount] = Field(
        default_factory=lambda: MappingProxyType({"USDT": Decimal(10_000)}),
        description='must be a table such as { USDT = "10000" }, its amounts not negative,'
        " its names 1 to 32 of A-Z 0-9 . - _",
    )
    maker_fee: Fee = Field(default=Decimal("0.001"), description=FEE_WORDS)
    taker_fee: Fee = Field(default=Decimal("0.001"), description=FEE_WORDS)
    seed: Whole = Field(
        default=1, ge=0, lt=1 << 63, description="must be a whole number from 0 to 2^63 - 1"
    )


class AccountSettings(BaseModel):
    """One account: its exchange, mode, keys and limits."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    exchange: ExchangeId = Field(
        description='must be "paper", or the id of an exchange that ccxt knows, such as "binance"'
    )
    mode: Mode = Field(
        default=AccountMode.PAPER,
        description='must be "paper" (simulated fills), "sandbox" (the exchange\'s testnet)'
        ' or "live" (real money)',
    )
    api_key: Key | None = Field(default=None, description=KEY_WORDS)
    api_key_file: Path | None = Field(default=None, description=KEY_FILE_WORDS)
    secret: Key | None = Field(default=None, description=KEY_WORDS)
    secret_file: Path | None = Field(default=None, description=KEY_FILE_WORDS)
    password: Key | None = Field(default=None, description=KEY_WORDS)
    password_file: Path | None = Field(default=None, description=KEY_FILE_WORDS)
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
        """Whether the prices are simulated too, not only the fills."""
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
    """Every setting of the server."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: Host = Field(
        default="127.0.0.1", description=f"must be a host name or address, {NO_PORT_WORDS}"
    )
    port: Whole = Field(
        default=8000, ge=0, le=65_535, description="must be a whole number from 0 to 65535"
    )
    data_dir: Path = Field(default=Path("data"), description="must be the path of a folder")
    database_url: DatabaseUrl = Field(
        default_factory=_default_database_url, description="must be a string"
    )
    allowed_hosts: Annotated[tuple[HeaderHost, ...], Listed] = Field(
        default_factory=_default_hosts,
        min_length=1,
        description=f"must be host names or addresses with commas between, {NO_PORT_WORDS}",
    )
    allowed_origins: Annotated[tuple[Origin, ...], Listed] = Field(
        default=(),
        description="must be origins with commas between, such as https://deck.example.com,"
        " without a path or a slash behind",
    )
    tls_cert: File | None = Field(default=None, description=FILE_WORDS)
    tls_key: File | None = Field(default=None, validate_default=True, description=FILE_WORDS)
    behind_proxy: bool = Field(default=False, description="must be true or false")
    trusted_proxies: Annotated[tuple[Network, ...], Listed] = Field(
        default=("127.0.0.1", "::1"),
        description=NETWORKS_WORDS,
    )
    admin_token: AdminToken | None = Field(default=None, description="must be a string")
    admin_token_file: Path | None = Field(default=None, description="must be the path of a file")
    strategies_dir: Folder | None = Field(default=None, description=FOLDER_WORDS)
    reconcile_seconds: Seconds = Field(default=15, description=SECONDS_WORDS)
    watchdog_seconds: Seconds = Field(default=30, description=SECONDS_WORDS)
    not_found_seconds: Seconds | None = Field(default=None, description=SECONDS_WORDS)
    exchange_timeout_seconds: Seconds = Field(default=10, description=SECONDS_WORDS)
    event_retention_days: Whole | None = Field(
        default=None, ge=1, le=36_500, description="must be a whole number of days from 1 to 36500"
    )
    refusal_retention_days: Whole = Field(
        default=30, ge=1, le=36_500, description="must be a whole number of days from 1 to 36500"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description='must be "json" (an object a line), "console" (for people), or "auto"'
        " (for people on a terminal)",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description='must be "debug", "info", "warning" or "error"'
    )
    orders_per_second: Budget = Field(default=10_000, description=BUDGET_WORDS)
    cost_per_second: Budget = Field(default=500_000, description=BUDGET_WORDS)
    subscriptions_per_second: Budget = Field(default=2000, description=BUDGET_WORDS)
    open_subscriptions: Budget = Field(default=5000, description=BUDGET_WORDS)
    accounts: Annotated[Table[AccountName, AccountSettings], BeforeValidator(_named_accounts)] = (
        Field(
            default_factory=_default_accounts,
            description="must be tables [accounts.NAME], their names 1 to 64 of a-z 0-9 - _",
        )
    )

    @property
    def is_private(self) -> bool:
        """Whether we or a proxy encrypt traffic: a token read on the way is all a thief needs."""
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
        """No hidden sources: `load_settings` alone decides where values come from."""
        return (init_settings,)
