"""Settings from a hostile environment and a hostile file: good ones, or words that say why not."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import strategies as st

from app.errors import SettingsError
from app.settings import load_settings
from tests.fuzz.driving import fuzz
from tests.fuzz.mutations import mutated

pytestmark = pytest.mark.slow

SECRETS = {
    name: f"s3cret-{name}-" + "k" * 32 for name in ("admin", "key", "secret", "word", "base", "own")
}
LINES = (
    'host = "127.0.0.1"',
    "port = 8000",
    'data_dir = "data"',
    f'database_url = "postgresql+asyncpg://me:{SECRETS["base"]}@db:5432/deck"',
    'allowed_hosts = ["deck.example.com", "::1"]',
    'allowed_origins = "https://deck.example.com"',
    "behind_proxy = true",
    'trusted_proxies = ["10.0.0.0/8", "::1"]',
    f'admin_token = "{SECRETS["admin"]}"',
    'admin_token_file = "token"',
    'tls_cert = "cert.pem"\ntls_key = "token"',
    'strategies_dir = "strategies"',
    "reconcile_seconds = 1.5",
    "event_retention_days = 30",
    'log_format = "json"',
    "orders_per_second = 0",
)
ACCOUNTS = (
    """[accounts.paper]
    paper = { balances = { usdt = "10000", BTC = 2 }, seed = 7 }""",
    f"""[accounts.main]
    exchange = "binance"
    mode = "live"
    api_key = "{SECRETS["key"]}"
    secret = "{SECRETS["secret"]}"
    password = "{SECRETS["word"]}"
    max_open_orders = 5""",
    f"""[accounts.other]
    exchange = "kraken"
    ccxt = {{ options = {{ a = "{SECRETS["own"]}" }} }}
    api_key_file = "token\"""",
)
WORDS = (
    *('"', "'", '"""', "'''", "=", ".", ",", "\n", "#", "[", "]", "[[", "]]", "{", "}", "\\", "\r"),
    *("true", "inf", "-nan", "1e999", "0x", "1979-05-27T07:32:00Z", "99:99:99", "9" * 5_000),
    *("[" * 3_000, "{a=" * 1_000, "a." * 1_000, '"\\u0000"', '"\\ud800"', "x" * 5_000, "\ufeff"),
    *("accounts", "paper", "balances", "token", "_file", "../", "/"),
)
NAMES = (
    *("HOST", "PORT", "DATA_DIR", "DATABASE_URL", "ALLOWED_HOSTS", "ALLOWED_ORIGINS", "CONFIG"),
    *("ADMIN_TOKEN", "ADMIN_TOKEN_FILE", "TLS_CERT", "TLS_KEY", "TRUSTED_PROXIES", "BEHIND_PROXY"),
    *("STRATEGIES_DIR", "EVENT_RETENTION_DAYS", "LOG_LEVEL", "COST_PER_SECOND", "ACCOUNTS"),
    *("ACCOUNTS__PAPER__PAPER__BALANCES__USDT", "ACCOUNTS__PAPER__PAPER__SEED"),
    *("ACCOUNTS__MAIN__EXCHANGE", "ACCOUNTS__MAIN__MODE", "ACCOUNTS__MAIN__API_KEY"),
    *("ACCOUNTS__MAIN__CCXT", "ACCOUNTS__MAIN__SECRET_FILE", "ACCOUNTS__MAIN__CCXT__OPTIONS"),
)
VALUES = (
    *("127.0.0.1", "8000", "data", "true", "0.001", "10.0.0.0/8,::1", '["a", "b"]', '{"a": {}}'),
    *("orderdeck.toml", "token", "binance", "paper", "LIVE", "[" * 100_000, '{"a":' * 100_000),
)
PATHS = {"CONFIG", "DATA_DIR", "ADMIN_TOKEN_FILE", "ACCOUNTS__MAIN__SECRET_FILE"}
PARTS = ("__", "_", "A", "a", "\0", "\udcff", "\n", "9" * 5_000, "é", ".", "/", "[", "{")
FILES = st.builds(
    lambda *parts: "\n".join(chain(*parts)),
    st.lists(st.sampled_from(LINES), unique=True, max_size=5),
    st.lists(st.sampled_from(ACCOUNTS), unique=True, max_size=3),
)
NOISE = st.text(max_size=3)
VARIABLES = st.dictionaries(
    mutated(st.sampled_from(NAMES), PARTS, NOISE),
    mutated(st.sampled_from(VALUES), PARTS, NOISE),
    max_size=4,
)
# Where each belongs, or where no path is told: whoever names a file wants to read which.
MISPLACED = st.dictionaries(
    st.sampled_from([name for name in NAMES if name not in PATHS]),
    st.sampled_from([*SECRETS.values(), f"postgresql+asyncpg://me:{SECRETS['base']}@[::1]/deck"]),
    max_size=2,
)
ENVIRONS = st.builds(
    lambda *parts: {f"ORDERDECK_{name}": value for part in parts for name, value in part.items()},
    VARIABLES,
    MISPLACED,
)
# What pydantic says of its own accord, and what Python does.
FOREIGN = ("Input should", "Traceback", "pydantic", "Error(")


def test_settings_are_good_or_refused_in_words_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "token").write_text(SECRETS["admin"])
    files = mutated(FILES, WORDS, st.text(max_size=4))
    fuzz(
        lambda given: examine(given[0], given[1], tmp_path),
        st.tuples(ENVIRONS, files),
    )


def examine(environ: Mapping[str, str], file: str, folder: Path) -> None:
    (folder / "orderdeck.toml").write_bytes(file.encode(errors="surrogatepass"))
    for words in problems_of(environ, folder):
        assert words.strip()
        assert not [secret for secret in SECRETS.values() if secret in words]
        assert not [one for one in FOREIGN if one in words]


def problems_of(environ: Mapping[str, str], folder: Path) -> Sequence[str]:
    try:
        load_settings(environ, folder)
    except SettingsError as error:
        return error.problems or ("",)
    return ()
