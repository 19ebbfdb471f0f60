"""Settings: orderdeck.toml, overridden by ORDERDECK_*; every bad value is told at once."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.domain import money, tokens
from app.domain.accounts import AccountMode
from app.errors import SettingsError

FILE_NAME = "orderdeck.toml"
PREFIX = "ORDERDECK_"
RECEIVE_WINDOW_SECONDS = 10.0
# No settings: the name of the file itself, and what only the test suite reads.
_NO_SETTING = re.compile(r"ORDERDECK_(CONFIG|TEST_.*)")
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
        with suppress(ValueError):
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


def _admin_token(value: SecretStr) -> SecretStr:
    if not tokens.is_usable_secret(value.get_secret_value()):
        raise ValueError("must have 32 characters or more, printable ASCII without spaces")
    return value


def _mode(value: object) -> AccountMode:
    if value not in {"paper", AccountMode.PAPER}:
        raise ValueError('must be "paper": this release has no sandbox and no live accounts yet')
    return AccountMode.PAPER


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
Seconds = Annotated[
    float, BeforeValidator(_no_boolean), Field(gt=0, le=86_400, allow_inf_nan=False)
]
Amount = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0)]
Fee = Annotated[Amount, Field(lt=1)]
Host = Annotated[str, StringConstraints(pattern=_HOST, to_lower=True)]
# In a header an IPv6 address stands in brackets.
HeaderHost = Annotated[Host, AfterValidator(lambda host: f"[{host}]" if ":" in host else host)]
Origin = Annotated[str, StringConstraints(pattern=_ORIGIN, to_lower=True)]
Asset = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9._-]{1,32}$")]
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]

_SECONDS = "must be a number of seconds above 0, up to 86400"
_FEE = 'must be a string from "0" to less than "1": "0.001" is a tenth of a percent'
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
    """One account: an exchange, a mode and its limits."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    exchange: Literal["paper"] = Field(
        description='must be "paper": this release trades on no other exchange yet'
    )
    mode: Annotated[AccountMode, BeforeValidator(_mode)] = AccountMode.PAPER
    max_open_orders: Whole | None = Field(
        default=None, ge=1, le=1_000_000, description="must be a whole number from 1 to 1000000"
    )
    paper: PaperSettings = Field(
        default_factory=PaperSettings, description="must be a table such as { seed = 1 }"
    )


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
    admin_token: Annotated[SecretStr, AfterValidator(_admin_token)] | None = Field(
        default=None, description="must be a string"
    )
    admin_token_file: Path | None = Field(default=None, description="must be the path of a file")
    reconcile_seconds: Seconds = Field(default=15, description=_SECONDS)
    watchdog_seconds: Seconds = Field(default=30, description=_SECONDS)
    not_found_seconds: Seconds | None = Field(default=None, description=_SECONDS)
    exchange_timeout_seconds: Seconds = Field(default=10, description=_SECONDS)
    event_retention_days: Whole | None = Field(
        default=None, ge=1, le=36_500, description="must be a whole number of days from 1 to 36500"
    )
    accounts: Annotated[Table[AccountName, AccountSettings], BeforeValidator(_named_accounts)] = (
        Field(
            default_factory=_default_accounts,
            description="must be tables [accounts.NAME], their names 1 to 64 of a-z 0-9 - _",
        )
    )

    @property
    def not_found_after_seconds(self) -> float:
        return self.not_found_seconds or RECEIVE_WINDOW_SECONDS + 5

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


_Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """Values as a tree, where each came from, and what was wrong with the tree itself."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[_Path, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def load_settings(environ: Mapping[str, str], directory: Path) -> Settings:
    """The settings of a program started here; SettingsError names all that is wrong."""
    sources = (_read_environ(environ), _read_file(environ, directory))
    for source in sources:
        _upper_assets(source)
        _root_paths(source, directory)
    sources[1].values.setdefault("data_dir", str(directory / "data"))
    problems = [problem for source in sources for problem in source.problems]
    problems += _read_admin_token(sources)
    trees = tuple(InitSettingsSource(Settings, source.values) for source in sources)
    settings = None
    try:
        settings = Settings(_build_sources=(trees, {}))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems += _in_words(found, sources[1].origins | sources[0].origins)
    if settings is None or problems:
        raise SettingsError(tuple(dict.fromkeys(problems)))
    return settings


def _read_environ(environ: Mapping[str, str]) -> _Source:
    """ORDERDECK_A__B=c is { a = { b = "c" } }; an empty variable is none."""
    source = _Source()
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or _NO_SETTING.fullmatch(variable):
            continue
        path = tuple(variable.removeprefix(PREFIX).lower().split("__"))
        if not environ[variable]:
            continue
        node = source.values
        for key in path[:-1]:
            node = node.setdefault(key, {}) if isinstance(node, dict) else node
        if not isinstance(node, dict) or path[-1] in node:
            source.problems.append(
                f"{variable} contradicts another variable: leave one of them out"
            )
            continue
        node[path[-1]] = environ[variable]
        source.origins[path] = f"set by {variable}"
    return source


def _read_file(environ: Mapping[str, str], directory: Path) -> _Source:
    named = environ.get("ORDERDECK_CONFIG", "")
    path = directory / (named or FILE_NAME)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named:
            raise SettingsError((f"ORDERDECK_CONFIG names {path}, which does not exist",)) from None
        return _Source()
    except OSError as error:
        raise SettingsError((f"{path} cannot be read: {error.strerror}",)) from None
    except UnicodeDecodeError:
        raise SettingsError((f"{path} is not UTF-8 text",)) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError((f"{path} is not valid TOML: {error}",)) from None
    return _Source(values=values, origins={(): f"in {path.name}"})


def _upper_assets(source: _Source) -> None:
    for name, account in _table(source.values.get("accounts")).items():
        paper = _table(_table(account).get("paper"))
        balances = _table(paper.get("balances"))
        if balances:
            paper["balances"] = {asset.upper(): amount for asset, amount in balances.items()}
        if len(_table(paper.get("balances"))) < len(balances):
            source.problems.append(f"accounts.{name}.paper.balances names an asset twice")


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _root_paths(source: _Source, directory: Path) -> None:
    for key in ("data_dir", "admin_token_file"):
        if isinstance(path := source.values.get(key), str):
            source.values[key] = str(directory / path)


def _read_admin_token(sources: tuple[_Source, _Source]) -> Iterator[str]:
    """Put what admin_token_file holds where the token itself would stand."""
    for source in sources:
        path = source.values.get("admin_token_file")
        if not isinstance(path, str):
            continue
        if any("admin_token" in each.values for each in sources):
            yield "admin_token and admin_token_file are both set: leave one of them out"
            return
        try:
            source.values["admin_token"] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            yield f"admin_token_file names {path}, which cannot be read: {reason}"
        source.origins["admin_token",] = f"read from {path}"
        return


def _in_words(errors: list[ErrorDetails], origins: Mapping[_Path, str]) -> Iterator[str]:
    for error in errors:
        path = tuple(part for part in error["loc"] if isinstance(part, str) and part != "[key]")
        if error["type"] == "default_factory_not_called":
            continue
        name = ".".join(path)
        if error["type"] == "missing":
            yield f"{name} is missing: it {_allowed(path)}"
            continue
        where = f"{name} ({_origin(path, origins)})"
        if error["type"] == "extra_forbidden":
            yield f"{where} is not a setting: {_nearest(path)}"
        elif error["type"] == "value_error":
            yield f"{where} {error['ctx']['error']}"
        else:
            yield f"{where} {_allowed(path)}"


def _origin(path: _Path, origins: Mapping[_Path, str]) -> str:
    wanted = tuple(part.lower() for part in path)
    nearer = (origins[each] for each in origins if each and each[: len(wanted)] == wanted)
    return next(nearer, origins.get((), "the default"))


def _model_at(path: _Path) -> type[BaseModel]:
    match path:
        case ("accounts", _, "paper", _, *_):
            return PaperSettings
        case ("accounts", _, _, *_):
            return AccountSettings
        case _:
            return Settings


def _allowed(path: _Path) -> str:
    depth = {Settings: 0, AccountSettings: 2, PaperSettings: 3}[_model_at(path)]
    allowed = _model_at(path).model_fields[path[depth]].description
    return allowed or "must be something else"


def _nearest(path: _Path) -> str:
    known = list(_model_at(path).model_fields)
    nearest = difflib.get_close_matches(path[-1].lower(), known, n=1, cutoff=0.5)
    if not nearest:
        return f"known are {', '.join(known)}"
    full = (*path[:-1], nearest[0])
    return f"did you mean {'.'.join(full)} ({PREFIX}{'__'.join(full).upper()})?"
