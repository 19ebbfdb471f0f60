"""What is built for an account, and what is refused at the start."""

from pathlib import Path
from typing import Any

import pytest

from app.bus import Bus
from app.errors import SettingsError
from app.exchanges.ccxt.exchange import CcxtExchange
from app.exchanges.ccxt.rows.table import QUIRKS
from app.exchanges.paper.exchange import PaperExchange
from app.gateways import Gateways, build_all
from app.settings import load_settings
from app.storage.database import Database
from tests.support.clock import ManualClock

KEYS = {"api_key": "k", "secret": "s"}


def gateways(directory: Path, clock: ManualClock, **accounts: dict[str, Any]) -> Gateways:
    environ = {
        f"ORDERDECK_ACCOUNTS__{name.upper()}__{key.upper()}": value
        for name, account in accounts.items()
        for key, value in account.items()
    }
    settings = load_settings(environ, directory)
    url = settings.database_url.get_secret_value()
    return Gateways(settings, Database(url, Bus()), clock, {})


def problems_of(built: Gateways) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        build_all(built)
    return caught.value.problems


def test_each_account_gets_its_own(tmp_path: Path, clock: ManualClock) -> None:
    built = build_all(
        gateways(
            tmp_path,
            clock,
            sim={"exchange": "paper"},
            main={"exchange": "binance", "mode": "live", **KEYS},
            priced={"exchange": "kraken"},
            test={"exchange": "bybit", "mode": "sandbox", **KEYS},
        )
    )
    assert {name: type(gateway) for name, gateway in built.items()} == {
        "sim": PaperExchange, "main": CcxtExchange, "priced": PaperExchange, "test": CcxtExchange,
    }  # fmt: skip


def test_everything_that_must_not_be_opened_is_told_at_once(
    tmp_path: Path, clock: ManualClock
) -> None:
    mistyped, no_sandbox, no_row, unsafe, own_keys, no_password = problems_of(
        gateways(
            tmp_path,
            clock,
            a={"exchange": "binanc"},
            b={"exchange": "kraken", "mode": "sandbox", **KEYS},
            c={"exchange": "bitstamp", "mode": "live", **KEYS},
            d={"exchange": "bybit", "ccxt": '{"options": {"maxRetriesOnFailure": 3}}'},
            e={"exchange": "bybit", "ccxt": '{"apiKey": "k"}'},
            f={"exchange": "okx", "mode": "live", **KEYS},
        )
    )
    assert mistyped.startswith("accounts.a: ccxt knows no exchange binanc")
    assert mistyped.endswith("did you mean binance?")
    assert no_sandbox.startswith("accounts.b: kraken has no sandbox")
    assert 'use mode = "paper"' in no_sandbox
    assert no_row.startswith("accounts.c: live trading on bitstamp is not offered")
    assert f"live are {', '.join(sorted(QUIRKS))}" in no_row
    assert unsafe.startswith("accounts.d: the ccxt settings must not set maxRetriesOnFailure")
    assert no_password == "accounts.f: okx gives its keys a passphrase: set password_file"
    assert own_keys.startswith("accounts.e: the ccxt settings must not hold apiKey")


@pytest.mark.parametrize(
    ("account", "seconds"),
    [
        ({"exchange": "paper"}, 15),
        ({"exchange": "binance"}, 15),
        ({"exchange": "bybit"}, 10),
        ({"exchange": "kucoin"}, 10),
        ({"exchange": "okx"}, 35),
        ({"exchange": "kraken"}, 65),
        ({"exchange": "binance", "ccxt": '{"options": {"recvWindow": 2000}}'}, 7),
    ],
)
def test_not_found_is_final_once_the_exchange_takes_no_such_request_any_more(
    tmp_path: Path, clock: ManualClock, account: dict[str, Any], seconds: float
) -> None:
    assert gateways(tmp_path, clock, main=account).not_found_seconds("main") == seconds


def test_what_is_set_for_the_client_itself_goes_first(tmp_path: Path, clock: ManualClock) -> None:
    built = gateways(
        tmp_path,
        clock,
        quick={"exchange": "binance", "ccxt": '{"timeout": 2500}'},
        usual={"exchange": "binance"},
    )
    assert built.answer_seconds("quick") == 2.5
    assert built.answer_seconds("usual") == 10
