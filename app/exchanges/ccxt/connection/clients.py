"""Makes ccxt clients: imported late, configured, and on the testnet if the account says sandbox."""

import asyncio
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from app.domain.accounts import AccountMode
from app.errors import SettingsError
from app.exchanges.ccxt.mends.account_kinds import insist_on_kind
from app.exchanges.ccxt.mends.candle_amounts import counting_base
from app.exchanges.ccxt.mends.exact_streams import read_exactly
from app.exchanges.ccxt.mends.exchange_clocks import go_by_its_milliseconds, go_by_its_seconds
from app.exchanges.ccxt.mends.kept_cursors import keep_cursors
from app.exchanges.ccxt.mends.new_markets import pass_on_new_markets
from app.exchanges.ccxt.mends.request_costs import charging
from app.exchanges.ccxt.mends.shared_sockets import share_socket
from app.exchanges.ccxt.mends.socket_messages import outliving
from app.exchanges.ccxt.mends.whole_answers import require_whole_answers
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks
from app.exchanges.ccxt.rows.sandboxes import no_sandbox_words, no_testnet_words
from app.exchanges.ccxt.rows.table import no_live_words, quirks_of

# How many of ccxt's pings fit into the silence after which a socket counts as dead.
_PINGS = 3
# Options that would make ccxt resend an order, lose digits, or exceed the exchange's rate limit.
_RESERVED = frozenset({"number", "enableRateLimit", "session", "asyncio_loop"})
# These have settings of their own, whose values are never printed.
_SECRETS = frozenset({"apiKey", "secret", "password"})
_RETRIES = "maxRetriesOnFailure"


class SecretText(Protocol):
    """A string whose value does not show when printed."""

    def get_secret_value(self) -> str: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class CcxtTerms:
    """The settings that an account at a real exchange is opened with."""

    exchange: str
    mode: AccountMode
    api_key: SecretText | None = None
    secret: SecretText | None = None
    password: SecretText | None = None
    # Deep-merged into ccxt's configuration. May contain a proxy's password, so repr leaves it out.
    overrides: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 10.0
    watchdog_seconds: float = 30.0

    @property
    def quirks(self) -> ExchangeQuirks:
        return quirks_of(self.exchange)

    @property
    def has_keys(self) -> bool:
        return self.api_key is not None and self.mode is not AccountMode.PAPER

    @property
    def answer_seconds(self) -> float:
        """How long ccxt waits for a response; its own `timeout` (milliseconds) overrides ours."""
        override = self.overrides.get("timeout")
        return self.timeout_seconds if override is None else float(override) / 1000

    @property
    def acceptance_seconds(self) -> float:
        """The receive window: how long the exchange still accepts a request that is on its way."""
        override = self.overrides.get("options", {}).get("recvWindow")
        return self.quirks.acceptance_seconds if override is None else float(override) / 1000

    @property
    def market_set(self) -> str:
        """A key for the market cache: accounts with the same key have the same markets."""
        return f"{self.exchange} {self.mode is AccountMode.SANDBOX} {self.overrides.get('urls')}"


def problems_of(terms: CcxtTerms) -> tuple[str, ...]:
    """Why an account must not be opened on these terms, as far as we know without ccxt."""
    unknown = _unknown_words(terms.exchange)
    if unknown is not None:
        return (unknown,)
    checks = (
        _mode_words(terms),
        _password_words(terms),
        _secret_words(terms),
        _unsafe_words(terms.overrides),
        _exposed_secret_words(terms.overrides),
    )
    return tuple(words for words in checks if words is not None)


async def open_client(terms: CcxtTerms) -> Any:
    """A client that has sent nothing yet; opening the first one imports ccxt."""
    problems = problems_of(terms)
    if problems:
        raise SettingsError(problems)
    library = await asyncio.to_thread(import_module, "ccxt.pro")
    build = getattr(library, terms.exchange)
    is_sandbox = terms.mode is AccountMode.SANDBOX
    client = (_in_sandbox if is_sandbox else _in_production)(build, terms)
    client.handle_message = outliving(client.handle_message)
    require_whole_answers(
        client,
        library.ExchangeNotAvailable,
        terms.quirks.answer_fields,
        terms.quirks.answer_has_one_of,
    )
    _mend(client, library, terms.quirks)
    if terms.quirks.dropped_cursors is not None:
        keep_cursors(client, terms.quirks.dropped_cursors)
    if terms.quirks.logs_in_by_seconds:
        go_by_its_seconds(client)
    if terms.quirks.logs_in_by_milliseconds:
        go_by_its_milliseconds(client)
    if terms.quirks.numbers_requests:
        client.nonce = _increasing(client.nonce)
    if terms.quirks.streams_numbers:
        read_exactly(client)
    if terms.quirks.shares_socket:
        share_socket(client)
    return client


def _mend(client: Any, library: Any, quirks: ExchangeQuirks) -> None:
    """What ccxt's class does otherwise than we need it."""
    for code, name in quirks.error_classes.items():
        client.exceptions["exact"][code] = getattr(library, name)
    if quirks.asks_account_kind:
        insist_on_kind(client)
    if quirks.streams_only_known_markets:
        pass_on_new_markets(client)
    if quirks.candle_amount_field is not None:
        client.parse_ohlcv = counting_base(client.parse_ohlcv, quirks.candle_amount_field)
    if quirks.costs:
        reckon = client.calculate_rate_limiter_cost
        client.calculate_rate_limiter_cost = charging(reckon, quirks.costs)


def _unknown_words(exchange: str) -> str | None:
    """Check the id against the names of ccxt's files, because importing ccxt takes a second."""
    known = _exchange_ids()
    if exchange in known:
        return None
    nearest = difflib.get_close_matches(exchange, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else "its documentation lists those it knows"
    return f"ccxt knows no exchange {exchange} that has streams: {hint}"


@cache
def _exchange_ids() -> frozenset[str]:
    found = find_spec("ccxt")
    folders = (found.submodule_search_locations if found else None) or ()
    files = (file for folder in folders for file in (Path(folder) / "pro").glob("*.py"))
    return frozenset(file.stem for file in files if not file.stem.startswith("_"))


def _mode_words(terms: CcxtTerms) -> str | None:
    quirks = terms.quirks
    if terms.mode is AccountMode.LIVE:
        return no_live_words(quirks)
    if terms.mode is AccountMode.SANDBOX and quirks.is_known and quirks.sandbox is None:
        return _no_sandbox_text(terms)
    return None


def _password_words(terms: CcxtTerms) -> str | None:
    if not terms.has_keys or not terms.quirks.needs_password or terms.password is not None:
        return None
    return f"{terms.exchange} gives its keys a passphrase: set password_file"


def _secret_words(terms: CcxtTerms) -> str | None:
    begin = terms.quirks.key_begins
    if begin is None or not terms.has_keys or terms.secret is None:
        return None
    if terms.secret.get_secret_value().lstrip().startswith(begin):
        return None
    return (
        f"the secret of a key of {terms.exchange} must begin with {begin}: make a key with the"
        " ECDSA algorithm, and write its private key to secret_file, with its line breaks"
    )


def _no_sandbox_text(terms: CcxtTerms) -> str:
    return (
        f"{terms.exchange} has no sandbox that could be told from its live exchange:"
        ' use mode = "paper", which trades on its real prices without its money'
    )


def _in_production(build: Any, terms: CcxtTerms) -> Any:
    return build(_merged(_base(terms), terms.overrides))


def _in_sandbox(build: Any, terms: CcxtTerms) -> Any:
    """A client proved to be on the testnet, before and after our own URLs are merged in."""
    urls = terms.overrides.get("urls", {})
    others = {key: value for key, value in terms.overrides.items() if key != "urls"}
    client = build(_merged(_base(terms), others))
    live = build({}).urls["api"]
    try:
        client.set_sandbox_mode(True)
    except Exception as error:
        raise SettingsError((_no_sandbox_text(terms),)) from error
    doubts = [no_testnet_words(terms.quirks.sandbox, client)]
    client.urls = client.deep_extend(client.urls, urls)
    doubts.append(no_sandbox_words(terms.quirks.sandbox, live, client))
    if any(doubts):
        raise SettingsError(tuple(words for words in doubts if words is not None))
    return client


def _increasing(nonce: Callable[[], int]) -> Callable[[], int]:
    """A nonce that always increases, even within one millisecond."""
    last = 0

    def increased() -> int:
        nonlocal last
        last = max(last + 1, nonce())
        return last

    return increased


def _base(terms: CcxtTerms) -> dict[str, Any]:
    return {
        "number": str,
        "enableRateLimit": True,
        "timeout": int(terms.timeout_seconds * 1000),
        "options": {"defaultType": "spot", **terms.quirks.options},
        "timeframes": dict(terms.quirks.timeframes),
        "streaming": {"keepAlive": int(terms.watchdog_seconds * 1000 / _PINGS)},
        **_keys(terms),
    }


def _keys(terms: CcxtTerms) -> dict[str, str]:
    if not terms.has_keys:
        return {}
    keys = {"apiKey": terms.api_key, "secret": terms.secret, "password": terms.password}
    return {name: key.get_secret_value() for name, key in keys.items() if key is not None}


def _unsafe_words(overrides: Mapping[str, Any]) -> str | None:
    bad = sorted(_RESERVED & overrides.keys())
    if _mentions(overrides, _RETRIES):
        bad.append(_RETRIES)
    return (
        f"the ccxt settings must not set {', '.join(bad)}: orders would not be safe"
        if bad
        else None
    )


def _exposed_secret_words(overrides: Mapping[str, Any]) -> str | None:
    bad = sorted(_SECRETS & overrides.keys())
    if not bad:
        return None
    own = "api_key_file, secret_file and password_file"
    return f"the ccxt settings must not hold {', '.join(bad)}: {own} are for that"


def _mentions(tree: object, name: str) -> bool:
    if not isinstance(tree, Mapping):
        return False
    return name in tree or any(_mentions(branch, name) for branch in tree.values())


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(known, value) if both and known is not None else value
    return merged
