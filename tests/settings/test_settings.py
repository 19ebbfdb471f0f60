from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.domain.accounts import AccountMode
from app.errors import SettingsError
from app.settings import AccountSettings, PaperSettings, Settings, load_settings

SECRET = "s3cret-" * 6


def problems_of(environ: dict[str, str], directory: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, directory)
    return caught.value.problems


def problem_of(environ: dict[str, str], directory: Path) -> str:
    (problem,) = problems_of(environ, directory)
    return problem


def write(directory: Path, text: str) -> None:
    (directory / "orderdeck.toml").write_text(text)


def test_nothing_set_is_a_paper_account_in_the_working_directory(tmp_path: Path) -> None:
    settings = load_settings({"PATH": "/bin", "HOME": "/"}, tmp_path)
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.data_dir == tmp_path / "data"
    url = settings.database_url.get_secret_value()
    assert url == f"sqlite+aiosqlite:///{tmp_path}/data/orderdeck.db"
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert settings.admin_token is None
    assert settings.event_retention_days is None
    assert settings.strategies_dir is None
    assert settings.not_found_seconds is None
    assert dict(settings.accounts) == {"paper": AccountSettings(exchange="paper")}
    paper = settings.accounts["paper"]
    assert paper.mode is AccountMode.PAPER
    assert dict(paper.paper.balances) == {"USDT": Decimal(10000)}


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    write(tmp_path, "port = 1\nhost = 'deck.example.com'\n")
    settings = load_settings({"ORDERDECK_PORT": "2"}, tmp_path)
    assert (settings.host, settings.port) == ("deck.example.com", 2)


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path) -> None:
    write(tmp_path, "port = 1\n")
    assert load_settings({"ORDERDECK_PORT": "", "ORDERDECK_CONFIG": ""}, tmp_path).port == 1


def test_budgets_are_kept_unless_they_are_set_to_none(tmp_path: Path) -> None:
    names = ("orders", "cost", "subscriptions")
    usual = load_settings({}, tmp_path)
    assert all(getattr(usual, f"{name}_per_second") >= 2000 for name in names)
    none = {f"ORDERDECK_{name.upper()}_PER_SECOND": "0" for name in names}
    lifted = load_settings({**none, "ORDERDECK_OPEN_SUBSCRIPTIONS": "0"}, tmp_path)
    assert [getattr(lifted, f"{name}_per_second") for name in names] == [0, 0, 0]
    assert lifted.open_subscriptions == 0
    problem = problem_of({"ORDERDECK_COST_PER_SECOND": "-1"}, tmp_path)
    assert "a whole number from 0, which means no limit" in problem


def test_another_file_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, "port = 1\n")
    (tmp_path / "other.toml").write_text("port = 2\n")
    assert load_settings({"ORDERDECK_CONFIG": "other.toml"}, tmp_path).port == 2


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    problem = problem_of({"ORDERDECK_CONFIG": "nowhere.toml"}, tmp_path)
    assert str(tmp_path / "nowhere.toml") in problem
    assert "does not exist" in problem


def test_a_file_that_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "port = 1\nhost =\n")
    problem = problem_of({}, tmp_path)
    assert "orderdeck.toml" in problem
    assert "line 2" in problem


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "orderdeck.toml").write_bytes(b"\xff")
    assert "UTF-8" in problem_of({}, tmp_path)


def test_a_whole_account_can_come_from_the_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        [accounts.main]
        exchange = "paper"
        mode = "paper"
        max_open_orders = 5
        paper = { balances = { usdt = "0.30000000000000004", BTC = 2 }, maker_fee = "0", seed = 7 }
        """,
    )
    (name, account), *others = load_settings({}, tmp_path).accounts.items()
    assert (name, others) == ("main", [])
    assert account.max_open_orders == 5
    assert account.paper == PaperSettings(
        balances={"USDT": Decimal("0.30000000000000004"), "BTC": Decimal(2)},
        maker_fee=Decimal(0),
        seed=7,
    )


def test_balances_can_come_from_the_environment(tmp_path: Path) -> None:
    environ = {"ORDERDECK_ACCOUNTS__PAPER__PAPER__BALANCES__USDT": "12.50"}
    account = load_settings(environ, tmp_path).accounts["paper"]
    assert dict(account.paper.balances) == {"USDT": Decimal("12.50")}


def test_the_environment_changes_one_balance_of_the_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        '[accounts.main]\nexchange = "paper"\npaper = { balances = { usdt = "1", btc = "2" } }\n',
    )
    environ = {"ORDERDECK_ACCOUNTS__MAIN__PAPER__BALANCES__USDT": "5"}
    account = load_settings(environ, tmp_path).accounts["main"]
    assert dict(account.paper.balances) == {"USDT": Decimal(5), "BTC": Decimal(2)}


def test_every_bad_value_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, 'watchdog_seconds = 0\n[accounts.main]\nexchange = "Bi nance"\n')
    environ = {
        "ORDERDECK_PORT": "99999",
        "ORDERDECK_PROT": "1",
        "ORDERDECK_ADMIN_TOKEN": "short",
        "ORDERDECK_ACCOUNTS__MAIN__MAX_OPEN_ORDERS": "-1",
    }
    problems = problems_of(environ, tmp_path)
    assert all("\n" not in problem for problem in problems)
    told = {problem.split(")")[0] for problem in problems}
    assert told == {
        "port (set by ORDERDECK_PORT",
        "prot (set by ORDERDECK_PROT",
        "admin_token (set by ORDERDECK_ADMIN_TOKEN",
        "watchdog_seconds (in orderdeck.toml",
        "accounts.main.exchange (in orderdeck.toml",
        "accounts.main.max_open_orders (set by ORDERDECK_ACCOUNTS__MAIN__MAX_OPEN_ORDERS",
    }


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("ORDERDECK_PORTT", "port (ORDERDECK_PORT)"),
        ("ORDERDECK_ACCOUNT__MAIN__MODE", "accounts (ORDERDECK_ACCOUNTS)"),
        (
            "ORDERDECK_ACCOUNTS__PAPER__MAX_ORDERS",
            "accounts.paper.max_open_orders (ORDERDECK_ACCOUNTS__PAPER__MAX_OPEN_ORDERS)",
        ),
        (
            "ORDERDECK_ACCOUNTS__PAPER__PAPER__MAKERFEE",
            "accounts.paper.paper.maker_fee (ORDERDECK_ACCOUNTS__PAPER__PAPER__MAKER_FEE)",
        ),
    ],
)
def test_an_unknown_variable_is_told_with_the_nearest_known_one(
    tmp_path: Path, variable: str, suggestion: str
) -> None:
    problem = problem_of({variable: "1"}, tmp_path)
    assert f"set by {variable}" in problem
    assert f"did you mean {suggestion}?" in problem


def test_an_unknown_key_is_told_with_the_nearest_known_one(tmp_path: Path) -> None:
    write(tmp_path, "data_dri = 'x'\n")
    problem = problem_of({}, tmp_path)
    assert problem.startswith("data_dri (in orderdeck.toml) is not a setting")
    assert "did you mean data_dir" in problem


def test_a_setting_of_nothing_known_lists_what_there_is(tmp_path: Path) -> None:
    assert "known are host, port" in problem_of({"ORDERDECK_XYZZY": "1"}, tmp_path)


def test_variables_of_the_test_suite_are_let_be(tmp_path: Path) -> None:
    load_settings({"ORDERDECK_TEST_ALL": "1"}, tmp_path)


@pytest.mark.parametrize(
    "environ",
    [
        {"ORDERDECK_PORT": "1", "ORDERDECK_PORT__X": "2"},
        {"ORDERDECK_ACCOUNTS__A__MODE": "paper", "ORDERDECK_ACCOUNTS__a__MODE": "paper"},
    ],
)
def test_variables_that_contradict_each_other_are_told(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    assert any("contradicts" in problem for problem in problems_of(environ, tmp_path))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "http"),
        ("PORT__X", "1"),
        ("HOST", "http://here"),
        ("HOST", "a b"),
        ("ALLOWED_HOSTS", "here:80"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", ","),
        ("ALLOWED_HOSTS", "[broken"),
        ("ALLOWED_ORIGINS", "here"),
        ("ALLOWED_ORIGINS", "https://here/"),
        ("ALLOWED_ORIGINS", "*"),
        ("ADMIN_TOKEN", "x" * 31),
        ("ADMIN_TOKEN", "with spaces " * 10),
        ("ADMIN_TOKEN", "ü" * 40),
        ("STRATEGIES_DIR", "nowhere"),
        ("RECONCILE_SECONDS", "0"),
        ("RECONCILE_SECONDS", "nan"),
        ("RECONCILE_SECONDS", "inf"),
        ("EXCHANGE_TIMEOUT_SECONDS", "soon"),
        ("EVENT_RETENTION_DAYS", "0"),
        ("EVENT_RETENTION_DAYS", "1.5"),
        ("DATABASE_URL", "mysql://user@host/name"),
        ("DATABASE_URL", "sqlite+aiosqlite:///:memory:"),
        ("DATABASE_URL", "sqlite+aiosqlite://"),
        ("DATABASE_URL", "postgresql+asyncpg://host:port/name"),
        ("DATABASE_URL", "orderdeck.db"),
        ("ACCOUNTS", "paper"),
        ("ACCOUNTS__PAPER", "x"),
        ("ACCOUNTS__MA.IN__EXCHANGE", "paper"),
        ("ACCOUNTS__PAPER__MODE", "live"),
        ("ACCOUNTS__PAPER__EXCHANGE", "bi nance"),
        ("ACCOUNTS__PAPER__MAX_OPEN_ORDERS", "0"),
        ("ACCOUNTS__PAPER__PAPER__SEED", "-1"),
        ("ACCOUNTS__PAPER__PAPER__MAKER_FEE", "1"),
        ("ACCOUNTS__PAPER__PAPER__TAKER_FEE", "-0.1"),
        ("ACCOUNTS__PAPER__PAPER__BALANCES__USDT", "-1"),
        ("ACCOUNTS__PAPER__PAPER__BALANCES__USDT", "1_000"),
        ("ACCOUNTS__PAPER__PAPER__BALANCES__USDT", "NaN"),
        ("ACCOUNTS__PAPER__PAPER__BALANCES__USDT", "1e3"),
        ("ACCOUNTS__PAPER__PAPER__BALANCES__USDT", "0.0000000000000000001"),
        ("ACCOUNTS__PAPER__PAPER__BALANCES__US DT", "1"),
    ],
)
def test_a_bad_value_is_told_with_the_variable_that_set_it(
    tmp_path: Path, variable: str, value: str
) -> None:
    problem = problem_of({f"ORDERDECK_{variable}": value}, tmp_path)
    assert f"(set by ORDERDECK_{variable}) must " in problem


@pytest.mark.parametrize(
    "line",
    [
        "port = true",
        "data_dir = 5",
        "allowed_hosts = ['a', 5]",
        "reconcile_seconds = false",
        "accounts = 5",
        "[accounts.Main]\nexchange = 'paper'",
        "[accounts.paper]\npaper = 5",
        "[accounts.paper.paper]\nbalances = 5",
    ],
)
def test_a_bad_value_in_the_file_is_told(tmp_path: Path, line: str) -> None:
    write(tmp_path, line)
    assert "(in orderdeck.toml) must " in problem_of({}, tmp_path)


def test_a_float_is_no_amount_of_money(tmp_path: Path) -> None:
    write(tmp_path, "[accounts.paper.paper]\nbalances = { USDT = 0.1 }\n")
    assert "must be written as a string" in problem_of({}, tmp_path)


def test_an_asset_stands_once(tmp_path: Path) -> None:
    write(tmp_path, "[accounts.paper.paper]\nbalances = { USDT = '1', usdt = '2' }\n")
    assert problem_of({}, tmp_path) == "accounts.paper.paper.balances names an asset twice"


def test_an_account_says_its_exchange(tmp_path: Path) -> None:
    write(tmp_path, "[accounts.main]\nmode = 'paper'\n")
    assert problem_of({}, tmp_path).startswith("accounts.main.exchange is missing")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_usual_database_url_is_answered_with_the_right_spelling(
    tmp_path: Path, scheme: str
) -> None:
    problem = problem_of({"ORDERDECK_DATABASE_URL": f"{scheme}://me:{SECRET}@host/name"}, tmp_path)
    assert f"postgresql+asyncpg:// instead of {scheme}://" in problem
    assert SECRET not in problem


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:////var/lib/orderdeck/orderdeck.db",
        "postgresql+asyncpg://me:p%40ss@db.example.com:5432/orderdeck",
        "postgresql+asyncpg://[::1]/orderdeck?ssl=require",
        "postgresql+asyncpg:///orderdeck?host=/run/postgresql",
    ],
)
def test_database_urls_of_both_kinds_are_taken(tmp_path: Path, url: str) -> None:
    settings = load_settings({"ORDERDECK_DATABASE_URL": url}, tmp_path)
    assert settings.database_url.get_secret_value() == url


@pytest.mark.parametrize(
    "value", ["https://A.example, http://b:80", '["https://a.example", "http://b:80"]']
)
def test_lists_are_taken_with_commas_and_as_json(tmp_path: Path, value: str) -> None:
    settings = load_settings({"ORDERDECK_ALLOWED_ORIGINS": value}, tmp_path)
    assert settings.allowed_origins == ("https://a.example", "http://b:80")


@pytest.mark.parametrize(
    ("host", "served"),
    [("192.168.1.4", ("192.168.1.4",)), ("fd00::1", ("[fd00::1]",)), ("::", ()), ("::1", ())],
)
def test_the_address_listened_on_is_served(
    tmp_path: Path, host: str, served: tuple[str, ...]
) -> None:
    settings = load_settings({"ORDERDECK_HOST": host}, tmp_path)
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]", *served)


def test_own_strategies_stand_in_a_folder_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    write(tmp_path, "strategies_dir = 'mine'\n")
    assert load_settings({}, tmp_path).strategies_dir == tmp_path / "mine"


def test_the_admin_token_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    settings = load_settings({"ORDERDECK_ADMIN_TOKEN_FILE": "secret"}, tmp_path)
    assert settings.admin_token is not None
    assert settings.admin_token.get_secret_value() == SECRET


def test_a_bad_admin_token_from_a_file_is_told_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short\n")
    problem = problem_of({"ORDERDECK_ADMIN_TOKEN_FILE": "secret"}, tmp_path)
    assert f"admin_token (read from {tmp_path / 'secret'})" in problem


def test_an_admin_token_file_must_be_readable(tmp_path: Path) -> None:
    problem = problem_of({"ORDERDECK_ADMIN_TOKEN_FILE": "nowhere"}, tmp_path)
    assert "cannot be read" in problem


def test_the_admin_token_has_one_source(tmp_path: Path) -> None:
    write(tmp_path, "admin_token_file = 'secret'\n")
    problem = problem_of({"ORDERDECK_ADMIN_TOKEN": SECRET}, tmp_path)
    assert problem == "admin_token and admin_token_file are both set: leave one of them out"


def test_secrets_never_print(tmp_path: Path) -> None:
    environ = {
        "ORDERDECK_ADMIN_TOKEN": SECRET,
        "ORDERDECK_DATABASE_URL": f"postgresql+asyncpg://me:{SECRET}@host/name",
    }
    settings = load_settings(environ, tmp_path)
    printed = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in printed


def test_a_problem_never_tells_a_secret(tmp_path: Path) -> None:
    environ = {
        "ORDERDECK_ADMIN_TOKEN": f"{SECRET} {SECRET}",
        "ORDERDECK_DATABASE_URL": f"mysql://me:{SECRET}@host/name",
        "ORDERDECK_ADMIN_TOKNE": SECRET,
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, tmp_path)
    assert len(caught.value.problems) == 3
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.accounts["other"] = settings.accounts["paper"]  # type: ignore[index]
    with pytest.raises(TypeError):
        settings.accounts["paper"].paper.balances["USDT"] = Decimal(1)  # type: ignore[index]


def test_building_settings_by_hand_reads_no_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ORDERDECK_PORT", "1")
    monkeypatch.setenv("PORT", "1")
    assert Settings(data_dir=tmp_path).port == 8000
