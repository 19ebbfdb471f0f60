"""load_settings: reads orderdeck.toml and ORDERDECK_* variables; reports all bad values at once."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import InitSettingsSource

from app.errors import SettingsError
from app.settings.model import AccountSettings, PaperSettings, Settings

FILE_NAME = "orderdeck.toml"
PREFIX = "ORDERDECK_"
MAX_DEPTH = 50
# A file of a hundred accounts takes a tenth of it.
MAX_FILE_BYTES = 256 * 1024
# Python takes the square of its length to read a name with dots, which ends with its line.
MAX_LINE_BYTES = 4096
# Variables that are not settings: the path of the file, and what only the test suite reads.
_NO_SETTING = re.compile(r"ORDERDECK_(CONFIG|TEST_.*)")

_PATHS = ("data_dir", "admin_token_file", "strategies_dir", "tls_cert", "tls_key")
_KEYS = ("api_key", "secret", "password")
# Stands for a secret whose file cannot be read: long enough that only the file is reported.
_UNREAD = "-" * 32

_Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """One source of settings: the values as a tree, where each came from, and problems found."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[_Path, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def load_settings(environ: Mapping[str, str], directory: Path) -> Settings:
    """The settings of a program started in this directory. SettingsError lists every problem."""
    sources = (_read_environ(environ), _read_file(environ, directory))
    for source in sources:
        _refuse_depth(source)
        _upper_assets(source)
        _root_paths(source, directory)
        _refuse_parts_of_ccxt(source)
    sources[1].values.setdefault("data_dir", str(directory / "data"))
    problems = [problem for source in sources for problem in source.problems]
    for path in _secret_paths(sources):
        problems += _read_secret(path, sources)
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
    """ORDERDECK_A__B=c becomes { a = { b = "c" } }; an empty variable counts as unset."""
    source = _Source()
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or _NO_SETTING.fullmatch(variable):
            continue
        if not environ[variable]:
            continue
        if not variable.isascii():
            source.problems.append(f"{variable!a} is not a setting: names are ASCII")
            continue
        path = tuple(variable.removeprefix(PREFIX).lower().split("__"))
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


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise SettingsError((f"{path} is longer than {MAX_FILE_BYTES // 1024} KiB",))
    if any(len(line) > MAX_LINE_BYTES for line in content.splitlines()):
        raise SettingsError((f"{path} has a line of more than {MAX_LINE_BYTES} bytes",))
    return content.decode("utf-8")


def _read_file(environ: Mapping[str, str], directory: Path) -> _Source:
    named = environ.get("ORDERDECK_CONFIG", "")
    path = directory / (named or FILE_NAME)
    try:
        values = tomllib.loads(_read_text(path))
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
    except (ValueError, RecursionError):
        # A number with thousands of digits, or endlessly nested brackets.
        raise SettingsError((f"{path} cannot be read: it is too long or too deep",)) from None
    return _Source(values=values, origins={(): f"in {path.name}"})


def _refuse_depth(source: _Source) -> None:
    """Refuse trees deeper than any setting, before Python's recursion limit does."""
    level: list[Any] = [source.values]
    for _ in range(MAX_DEPTH):
        level = [below for node in level for below in _below(node)]
    if level:
        raise SettingsError((f"settings are nested {MAX_DEPTH} deep at most",))


def _below(node: object) -> Iterable[Any]:
    match node:
        case dict():
            return node.values()
        case list():
            return node
        case _:
            return ()


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


def _account_names(sources: Iterable[_Source]) -> list[str]:
    names = (name for source in sources for name in _table(source.values.get("accounts")))
    return list(dict.fromkeys(names))


def _root_paths(source: _Source, directory: Path) -> None:
    _root_at(source, _PATHS, directory)
    for account in _table(source.values.get("accounts")):
        files = [f"{name}_file" for name in _KEYS]
        _root_at(source, files, directory, "accounts", account)


def _root_at(source: _Source, names: Iterable[str], directory: Path, *parents: str) -> None:
    """Make paths relative to the start directory; refuse NUL bytes, which no path can contain."""
    values = _table_at(source.values, parents)
    for name in names:
        path = values.get(name)
        if isinstance(path, str) and "\0" in path:
            source.problems.append(f"{'.'.join((*parents, name))} has a zero in it: no path has")
            del values[name]
        elif isinstance(path, str):
            values[name] = str(directory / path)


def _secret_paths(sources: Sequence[_Source]) -> Iterator[_Path]:
    """The paths of all secrets, each of which may be read from a file."""
    yield ("admin_token",)
    for account in _account_names(sources):
        for name in _KEYS:
            yield ("accounts", account, name)


def _read_secret(path: _Path, sources: Sequence[_Source]) -> Iterator[str]:
    """Replace a *_file setting by the secret that the file holds; yields the problems."""
    *parents, name = path
    nodes = [_table_at(source.values, parents) for source in sources]
    for source, node in zip(sources, nodes, strict=True):
        file = node.get(f"{name}_file")
        if not isinstance(file, str):
            continue
        full = ".".join(path)
        if any(name in each for each in nodes):
            yield f"{full} and {full}_file are both set: leave one of them out"
            return
        try:
            node[name] = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            yield f"{full}_file names {file}, which cannot be read: {reason}"
            # Otherwise the secret would be reported as missing too.
            node[name] = _UNREAD
        source.origins[path] = f"read from {file}"
        return


def _table_at(values: dict[str, Any], parents: Iterable[str]) -> dict[str, Any]:
    for name in parents:
        values = _table(values.get(name))
    return values


def _refuse_parts_of_ccxt(source: _Source) -> None:
    """Refuse single ccxt options as variables: their names are case-sensitive."""
    for path, origin in source.origins.items():
        match path:
            case ("accounts", str(name), "ccxt", _, *_) if origin.startswith("set by"):
                variable = f"{PREFIX}ACCOUNTS__{name.upper()}__CCXT"
                words = f"accounts.{name}.ccxt ({origin}) must be one table, as JSON, in {variable}"
                source.problems.append(words)


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
