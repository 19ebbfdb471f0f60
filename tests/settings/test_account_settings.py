"""Accounts at real exchanges, as they are set."""

import json
from pathlib import Path

import pytest

from app.domain.accounts import AccountMode
from app.settings import AccountSettings, load_settings
from tests.settings.test_settings import problem_of, problems_of, write

KEY, SECRET = "key-that-nobody-sees", "secret-that-nobody-sees"
MAIN = "ORDERDECK_ACCOUNTS__MAIN__"
LIVE = {f"{MAIN}EXCHANGE": "binance", f"{MAIN}MODE": "live"}
KEYS = {f"{MAIN}API_KEY": KEY, f"{MAIN}SECRET": SECRET}


def main_account(environ: dict[str, str], directory: Path) -> AccountSettings:
    return load_settings(environ, directory).accounts["main"]


def test_an_account_is_on_paper_unless_it_says_otherwise(tmp_path: Path) -> None:
    account = main_account({f"{MAIN}EXCHANGE": "binance"}, tmp_path)
    assert account.mode is AccountMode.PAPER
    assert not account.is_simulated
    assert account.api_key is None


@pytest.mark.parametrize("mode", ["live", "LIVE", "Live"])
def test_keys_can_come_from_the_environment(tmp_path: Path, mode: str) -> None:
    account = main_account({**LIVE, **KEYS, f"{MAIN}MODE": mode}, tmp_path)
    assert account.mode is AccountMode.LIVE
    assert account.api_key is not None
    assert account.api_key.get_secret_value() == KEY


def test_keys_can_stand_in_files_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    (tmp_path / "secret").write_text(f"  {SECRET}\n")
    write(
        tmp_path,
        """
        [accounts.main]
        exchange = "okx"
        mode = "sandbox"
        api_key_file = "key"
        secret_file = "secret"
        password = "p"
        """,
    )
    account = main_account({}, tmp_path)
    assert account.api_key is not None
    assert account.secret is not None
    assert account.api_key.get_secret_value() == KEY
    assert account.secret.get_secret_value() == SECRET


def test_keys_are_printed_nowhere(tmp_path: Path) -> None:
    ccxt = json.dumps({"httpsProxy": "http://me:hidden@localhost:3128"})
    settings = load_settings({**LIVE, **KEYS, f"{MAIN}CCXT": ccxt}, tmp_path)
    printed = f"{settings!r} {settings} {settings.accounts['main']!r}"
    assert not any(secret in printed for secret in (KEY, SECRET, "hidden"))


def test_a_key_that_stands_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    problem = problem_of({**LIVE, **KEYS, f"{MAIN}API_KEY_FILE": "key"}, tmp_path)
    assert problem == (
        "accounts.main.api_key and accounts.main.api_key_file are both set: leave one of them out"
    )


def test_a_key_file_that_is_not_there_is_told_and_nothing_else_with_it(tmp_path: Path) -> None:
    environ = {**LIVE, **KEYS, f"{MAIN}PASSWORD_FILE": "nowhere"}
    (problem,) = problems_of(environ, tmp_path)
    assert problem.startswith("accounts.main.password_file names ")
    assert problem.endswith("nowhere, which cannot be read: No such file or directory")


@pytest.mark.parametrize("mode", ["live", "sandbox"])
def test_real_orders_need_keys(tmp_path: Path, mode: str) -> None:
    problem = problem_of({**LIVE, f"{MAIN}MODE": mode, f"{MAIN}API_KEY": KEY}, tmp_path)
    assert "accounts.main (set by" in problem
    assert problem.endswith("needs the keys to the exchange in this mode: set secret_file")


@pytest.mark.parametrize(("name", "value"), [("API_KEY", " "), ("SECRET", "schlüssel")])
def test_a_key_that_cannot_be_one_is_told_without_being_shown(
    tmp_path: Path, name: str, value: str
) -> None:
    problem = problem_of({**LIVE, **KEYS, f"{MAIN}{name}": value}, tmp_path)
    assert f"set by {MAIN}{name}) must be the text" in problem
    assert "schl" not in problem


def test_what_the_client_is_given_is_a_table(tmp_path: Path) -> None:
    write(tmp_path, '[accounts.main]\nexchange = "kraken"\nccxt = { timeout = 5000 }\n')
    assert main_account({}, tmp_path).ccxt == {"timeout": 5000}
    told = {"options": {"recvWindow": 2000}}
    assert main_account({f"{MAIN}CCXT": json.dumps(told)}, tmp_path).ccxt == told


@pytest.mark.parametrize("value", ["{", "5", "[]", '"x"'])
def test_what_is_no_table_is_told(tmp_path: Path, value: str) -> None:
    problem = problem_of({f"{MAIN}EXCHANGE": "kraken", f"{MAIN}CCXT": value}, tmp_path)
    assert f"accounts.main.ccxt (set by {MAIN}CCXT) must be a table" in problem


def test_a_part_of_that_table_cannot_stand_in_a_variable(tmp_path: Path) -> None:
    environ = {f"{MAIN}EXCHANGE": "kraken", f"{MAIN}CCXT__TIMEOUT": "5000"}
    assert problem_of(environ, tmp_path) == (
        f"accounts.main.ccxt (set by {MAIN}CCXT__TIMEOUT) must be one table, as JSON, in {MAIN}CCXT"
    )


def test_an_unknown_mode_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    problem = problem_of({**LIVE, f"{MAIN}MODE": "real"}, tmp_path)
    assert 'must be "paper" (simulated fills), "sandbox"' in problem


def test_the_simulated_exchange_trades_on_paper_alone(tmp_path: Path) -> None:
    problem = problem_of({f"{MAIN}EXCHANGE": "paper", f"{MAIN}MODE": "live"}, tmp_path)
    assert problem.endswith('the exchange "paper" has no other than paper')
