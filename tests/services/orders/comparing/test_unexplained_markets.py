from datetime import timedelta
from decimal import Decimal

from app.services.orders.comparing.unexplained_markets import UnexplainedMarkets
from tests.conftest import START
from tests.support.market_sources import market

LATER = START + timedelta(minutes=1)
MARKETS = [
    market(f"{base}/{quote}") for base, quote in (("BTC", "USDT"), ("ETH", "USDT"), ("ETH", "BTC"))
]


def test_a_market_is_due_until_it_was_listed_since_the_earliest_time_noted() -> None:
    unexplained = UnexplainedMarkets()
    unexplained.note(["A", "B"], LATER)
    unexplained.note(["B"], START)
    assert unexplained.due(9) == [("A", LATER), ("B", START)]
    assert unexplained.due(1) == [("A", LATER)]
    unexplained.done("B", LATER)
    unexplained.done("A", LATER)
    assert unexplained.due(9) == [("B", START)]
    unexplained.done("B", START)
    assert len(unexplained) == 0


def test_a_market_is_due_when_both_its_assets_moved_otherwise_than_by_our_fills() -> None:
    unexplained = UnexplainedMarkets()
    before = {"USDT": Decimal(100), "BTC": Decimal(1)}
    unexplained.note_outside(before, MARKETS, START)
    unexplained.note_outside({**before, "USDT": Decimal(90)}, MARKETS, START)
    assert unexplained.due(9) == []
    unexplained.note_outside(
        {"USDT": Decimal(80), "BTC": Decimal(1), "ETH": Decimal(4)}, MARKETS, START
    )
    assert unexplained.due(9) == [("ETH/USDT", START)]


def test_balances_that_are_not_known_explain_nothing() -> None:
    unexplained = UnexplainedMarkets()
    unexplained.note_outside(None, MARKETS, START)
    unexplained.note_outside({"USDT": Decimal(1), "BTC": Decimal(1)}, MARKETS, START)
    assert len(unexplained) == 0
