"""Positions that the exchange keeps, held against what fills tell of them."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from app.domain.order_kinds import PositionType
from app.domain.portfolio.exposures import Exposure
from app.domain.portfolio.positions import Holding, Position, PositionKey
from app.domain.portfolio.valuations import (
    FROM_OUTSIDE,
    Mark,
    ReconciledHoldings,
    ValuedPosition,
    exposed,
)

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
KEY = PositionKey(account="paper", symbol="BTC/USDT", type=PositionType.MARGIN)
SHORT = Position(key=KEY, holding=Holding(amount=Decimal(-2), basis=Decimal(-200)), updated_at=AT)
TOLD = Exposure(
    symbol="BTC/USDT",
    type=PositionType.MARGIN,
    amount=Decimal(-2),
    entry_price=Decimal(101),
    leverage=Decimal(3),
    margin=Decimal(66),
    liquidation_price=Decimal(130),
)
MARK = Mark(price=Decimal(90), at=AT, is_stale=False)


def held(*exposures: Exposure, positions: tuple[Position, ...] = (SHORT,)) -> ReconciledHoldings:
    return exposed(ReconciledHoldings(positions=positions), exposures, "paper", AT)


def open_ones(found: ReconciledHoldings) -> list[ValuedPosition]:
    return [found.valued(one, MARK) for one in found.positions if found.amount_of(one)]


def test_fills_tell_what_it_has_cost_and_the_exchange_what_secures_it() -> None:
    found = held(TOLD)
    [short] = open_ones(found)
    assert (short.amount, short.basis, short.unrealized) == (
        Decimal(-2),
        Decimal(-200),
        Decimal(20),
    )
    assert short.exposure == TOLD
    assert found.problems == ()


def test_where_they_differ_the_word_of_the_exchange_counts_and_it_is_said() -> None:
    found = held(replace(TOLD, amount=Decimal("-2.5")))
    [short] = open_ones(found)
    assert (short.amount, short.entry_price) == (Decimal("-2.5"), Decimal(101))
    [problem] = found.problems
    assert (problem.subject, problem.code) == ("BTC/USDT", FROM_OUTSIDE)
    assert "-2.5" in problem.message
    assert "-2" in problem.message


def test_what_it_has_cost_is_not_known_where_nobody_tells() -> None:
    [short] = open_ones(held(replace(TOLD, amount=Decimal(-1), entry_price=None)))
    assert (short.amount, short.basis, short.unrealized) == (Decimal(-1), None, None)


def test_what_no_fill_tells_of_is_a_position_all_the_same() -> None:
    swap = replace(TOLD, symbol="BTC/USDT:USDT", type=PositionType.SWAP)
    [found] = open_ones(held(swap, positions=()))
    assert found.key.type is PositionType.SWAP
    assert (found.amount, found.unrealized) == (Decimal(-2), Decimal(22))


def test_what_the_exchange_does_not_keep_any_more_is_gone() -> None:
    found = held()
    assert open_ones(found) == []
    assert [one.code for one in found.problems] == [FROM_OUTSIDE]


def test_a_spot_holding_of_the_same_market_is_left_as_it_is() -> None:
    coin = replace(
        SHORT,
        key=replace(KEY, type=PositionType.SPOT),
        holding=Holding(amount=Decimal(5), basis=Decimal(400)),
    )
    found = held(TOLD, positions=(SHORT, coin))
    assert {one.key.type: one.amount for one in open_ones(found)} == {
        PositionType.MARGIN: Decimal(-2), PositionType.SPOT: Decimal(5),
    }  # fmt: skip
    assert found.problems == ()
