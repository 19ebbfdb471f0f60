import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest
from pydantic import SecretStr

from app.domain.accounts import AccountMode
from app.errors import SettingsError
from app.exchanges.ccxt.connection.clients import CcxtTerms, open_client, problems_of
from app.exchanges.ccxt.rows.sandboxes import addresses
from app.exchanges.ccxt.rows.table import QUIRKS, quirks_of


def terms(exchange: str = "binance", mode: AccountMode = AccountMode.LIVE, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "exchange": exchange,
        "mode": mode,
        "api_key": SecretStr("the-key"),
        "secret": SecretStr(f"{quirks_of(exchange).key_begins or ''}the-secret"),
        "password": SecretStr("the-passphrase") if quirks_of(exchange).needs_password else None,
    }
    return CcxtTerms(**(values | changes))


def test_neither_the_program_nor_its_paper_path_imports_ccxt() -> None:
    code = "import sys, app.cli, app.runtime, app.exchanges.paper; print('ccxt' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_not_even_the_adapter_imports_ccxt_before_its_first_use() -> None:
    code = "import sys, app.exchanges.ccxt.exchange; print('ccxt' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_terms_print_no_secret() -> None:
    printed = repr(terms(overrides={"httpsProxy": "http://me:hidden@proxy"}))
    assert "the-key" not in printed
    assert "the-secret" not in printed
    assert "hidden" not in printed


@pytest.mark.parametrize("exchange", sorted(QUIRKS))
async def test_a_client_works_with_exact_numbers_and_never_sends_twice(exchange: str) -> None:
    client = await open_client(terms(exchange))
    assert client.number is str
    assert client.enableRateLimit is True
    assert client.options["defaultType"] == "spot"
    assert client.apiKey == "the-key"
    assert "maxRetriesOnFailure" not in client.options


async def test_a_secret_that_ccxt_cannot_sign_with_is_said_before_anything_is_sent() -> None:
    with pytest.raises(SettingsError, match="must begin with -----BEGIN"):
        await open_client(terms("coinbase", secret=SecretStr("bm8gUEVN")))


async def test_where_requests_are_numbered_by_the_time_no_number_is_used_twice() -> None:
    client = await open_client(terms("kraken"))
    numbers = [client.nonce() for _ in range(1000)]
    assert numbers == sorted(set(numbers))


async def test_overrides_are_merged_deep() -> None:
    overrides = {"options": {"recvWindow": 3000}, "timeout": 1234}
    client = await open_client(terms(overrides=overrides))
    assert client.options["recvWindow"] == 3000
    assert client.options["warnOnFetchOpenOrdersWithoutSymbol"] is False
    assert client.timeout == 1234


@pytest.mark.parametrize(
    "overrides",
    [
        {"options": {"maxRetriesOnFailure": 3}},
        {"options": {"order": {"maxRetriesOnFailure": 1}}},
        {"number": float},
        {"enableRateLimit": False},
    ],
)
async def test_overrides_that_would_make_orders_unsafe_are_refused(overrides: Any) -> None:
    with pytest.raises(SettingsError, match="orders would not be safe"):
        await open_client(terms(overrides=overrides))


async def test_paper_prices_take_no_keys_along() -> None:
    client = await open_client(terms(mode=AccountMode.PAPER))
    assert not client.apiKey
    assert not client.secret


async def test_an_exchange_that_ccxt_does_not_know_is_refused() -> None:
    with pytest.raises(SettingsError, match="no exchange nowhere"):
        await open_client(terms("nowhere", AccountMode.PAPER))


def test_what_is_wrong_with_terms_is_told_all_at_once_and_without_ccxt() -> None:
    unsafe = terms("phemex", overrides={"number": float})
    assert len(problems_of(unsafe)) == 2
    assert problems_of(terms()) == ()


async def test_live_trading_where_nobody_looked_is_refused_and_says_how_to_add_it() -> None:
    with pytest.raises(SettingsError, match="writing that as a row in"):
        await open_client(terms("phemex"))
    assert (await open_client(terms("phemex", AccountMode.PAPER))).id == "phemex"


@pytest.mark.parametrize("exchange", ["binance", "bybit", "phemex"])
async def test_a_sandbox_shares_no_address_with_the_live_exchange(exchange: str) -> None:
    live = await open_client(terms(exchange, AccountMode.PAPER))
    sandbox = await open_client(terms(exchange, AccountMode.SANDBOX))
    assert not addresses(live.urls["api"]) & addresses(sandbox.urls["api"])


async def test_okx_shows_its_sandbox_by_a_header() -> None:
    client = await open_client(terms("okx", AccountMode.SANDBOX))
    assert client.headers["x-simulated-trading"] == "1"


@pytest.mark.parametrize("exchange", ["gate", "kraken", "kucoin", "bitget"])
async def test_a_sandbox_without_proof_is_refused(exchange: str) -> None:
    with pytest.raises(SettingsError, match="sandbox"):
        await open_client(terms(exchange, AccountMode.SANDBOX))


async def test_a_sandbox_can_be_pointed_elsewhere_but_not_at_the_live_exchange() -> None:
    mine = {"urls": {"api": {"private": "http://127.0.0.1:1/api/v3"}}}
    client = await open_client(terms(mode=AccountMode.SANDBOX, overrides=mine))
    assert client.urls["api"]["private"] == "http://127.0.0.1:1/api/v3"
    live = {"urls": {"api": {"private": "https://api.binance.com/api/v3"}}}
    with pytest.raises(SettingsError, match="shares addresses with its live exchange"):
        await open_client(terms(mode=AccountMode.SANDBOX, overrides=live))


async def test_a_sandbox_whose_switch_does_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = import_module("ccxt.pro")
    monkeypatch.setattr(library.binance, "set_sandbox_mode", lambda _client, _is_on: None)
    with pytest.raises(SettingsError, match="sandbox is at"):
        await open_client(terms(mode=AccountMode.SANDBOX))
