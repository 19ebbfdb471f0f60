"""Bybit's codes, as ccxt's own table classes them: which prove that no order was placed."""

from collections.abc import Iterator

import ccxt.pro
import pytest

from app.errors import ExchangeDoubt, ExchangeRejected
from app.exchanges.ccxt.parsing.failures import failure_of_create
from app.exchanges.ccxt.rows.table import QUIRKS

CODES = QUIRKS["bybit"].error_codes
DOUBTFUL = CODES.prove_nothing
# What an order is surely refused with, by the words in Bybit's documentation.
SURE = {
    "10001", "10003", "10004", "10005", "10006", "170005", "170121", "170124", "170131", "170132",
    "170133", "170134", "170135", "170136", "170137", "170140", "170148", "170193", "170194",
    "170210", "170213", "170217", "170218",
}  # fmt: skip


def raised(code: str, words: str = "Something") -> Exception:
    """What ccxt raises for a code."""
    client = ccxt.pro.bybit()
    body = f'{{"retCode":{code},"retMsg":"{words}","result":{{}}}}'
    answer = client.parse_json(body)
    try:
        client.handle_errors(200, "OK", "/v5/order/create", "POST", {}, body, answer, {}, "")
    except ccxt.BaseError as error:
        failure: Exception = error
        return failure
    raise AssertionError(f"ccxt takes {code} for a success")


def verdict(error: Exception) -> Exception:
    return failure_of_create(error, CODES)


@pytest.mark.parametrize("code", sorted(DOUBTFUL))
def test_a_code_that_proves_nothing_is_doubt_whatever_ccxt_makes_of_it(code: str) -> None:
    assert isinstance(verdict(raised(code)), ExchangeDoubt)


def test_ccxt_takes_many_of_them_for_a_no() -> None:
    misread = {
        code for code in DOUBTFUL if isinstance(failure_of_create(raised(code)), ExchangeRejected)
    }
    assert {"170146", "170147", "170191", "170035", "170141", "10014"} <= misread


@pytest.mark.parametrize("code", sorted(SURE - {"170213"}))
def test_a_refusal_stays_a_refusal(code: str) -> None:
    assert isinstance(verdict(raised(code)), ExchangeRejected)


@pytest.mark.parametrize("code", ["177001", "177042", "179999", "99999"])
def test_a_code_that_nobody_knows_is_doubt(code: str) -> None:
    assert isinstance(verdict(raised(code)), ExchangeDoubt)


def test_a_code_is_read_from_its_field_and_not_from_a_number_in_the_words() -> None:
    words = "Order quantity 170146 exceeded lower limit 10000"
    assert isinstance(verdict(raised("170136", words)), ExchangeRejected)


@pytest.mark.parametrize("words", ["Request timeout", "Order creation timeout", "已使用"])
def test_words_do_not_matter(words: str) -> None:
    assert isinstance(verdict(raised("170146", words)), ExchangeDoubt)


def test_every_code_whose_words_speak_of_time_or_of_the_system_is_doubt() -> None:
    for code in _ambiguous():
        assert isinstance(verdict(raised(code)), ExchangeDoubt), code


def _ambiguous() -> Iterator[str]:
    """Codes that ccxt has no certain class for, and those that we hold for doubtful."""
    table = ccxt.pro.bybit().exceptions["exact"]
    vague = (ccxt.ExchangeError, ccxt.ExchangeNotAvailable, ccxt.RequestTimeout)
    yield from (code for code, kind in table.items() if kind in vague and code.isdecimal())
    yield from DOUBTFUL
