import pytest

from app.domain.markets.symbols import unknown_symbol

KNOWN = {"BTC/USDT", "BTC/USDT:USDT", "ETH/USDT", "ETH/BTC"}
MANY = {f"{letter}/USDT" for letter in "ABCDEFGHIJ"}


@pytest.mark.parametrize(
    ("symbol", "known", "words"),
    [
        ("BTCUSDT", KNOWN, "did you mean BTC/USDT or BTC/USDT:USDT?"),
        ("eth-b", KNOWN, "did you mean ETH/BTC?"),
        ("NO/SUCH", KNOWN, "it has BTC/USDT, BTC/USDT:USDT, ETH/BTC and ETH/USDT"),
        ("", {"BTC/USDT"}, "it has BTC/USDT"),
        ("x" * 1_000_000, {"BTC/USDT"}, "it has BTC/USDT"),
        ("-", MANY, "H/USDT and 2 others"),
    ],
)
def test_what_may_have_been_meant_is_named(symbol: str, known: set[str], words: str) -> None:
    refusal = unknown_symbol(symbol, known)
    assert refusal.message.endswith(words)
    assert refusal.field == ("symbol",)


def test_where_there_is_no_market_none_is_named() -> None:
    refusal = unknown_symbol("BTC/USDT", set(), "symbols", "3")
    assert refusal.message == "the account has no market of this symbol"
    assert refusal.field == ("symbols", "3")
