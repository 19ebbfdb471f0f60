from typing import Any

import pytest

from app.domain.signals import Signal
from app.strategies.built_in import BUILT_IN
from app.strategies.interface import MOST_CANDLES, Advice, Candles, Held
from app.strategies.parameters import as_text, read
from tests.strategies.charts import DUST, HOUR, MONDAY, NOTHING, SOME, chart, waves

FALL_AND_RISE = [10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 6.0, 8.0, 11.0]
RISE_AND_FALL = [5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 9.0, 7.0, 4.0]


def decided(name: str, candles: Candles, held: Held = NOTHING, **parameters: Any) -> Advice:
    strategy = BUILT_IN[name]
    return strategy.decide(candles, held, read(strategy.Parameters, as_text(parameters)))


def signals(name: str, closes: list[float], held: Held = NOTHING, **parameters: Any) -> list[str]:
    """What it says after each candle."""
    charts = (chart(closes[: number + 1]) for number in range(len(closes)))
    return [decided(name, one, held, **parameters).signal for one in charts]


def test_the_averages_buy_at_the_crossing_alone() -> None:
    # After 8 the mean of two is 7 and that of four 6.25; after 6 they were 5.5 and 6.
    said = signals("moving-average-cross", FALL_AND_RISE, fast=2, slow=4)
    assert said == ["HOLD"] * 7 + ["BUY", "HOLD"]


def test_the_averages_close_as_long_as_the_fast_one_is_below() -> None:
    said = signals("moving-average-cross", RISE_AND_FALL, SOME, fast=2, slow=4)
    assert said == ["HOLD"] * 7 + ["CLOSE", "CLOSE"]


def test_exponential_averages_cross_where_they_should() -> None:
    # After 6 the fast one is 5.8333 and the slow one 6.3, after 8 they are 7.2778 and 6.98.
    closes = [10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 6.0, 8.0]
    advice = decided("moving-average-cross", chart(closes), fast=2, slow=4, kind="ema")
    assert advice.signal is Signal.BUY
    assert advice.reason == "the fast average rose above: fast 7.2777778, slow 6.98"


def test_what_a_sale_leaves_behind_does_not_keep_a_strategy_from_buying() -> None:
    said = signals("moving-average-cross", FALL_AND_RISE, DUST, fast=2, slow=4)
    assert said[7] == "BUY"


def test_the_rsi_buys_low_and_closes_high() -> None:
    fallen, risen = [10.0, 11.0, 9.0, 7.0, 5.0], [5.0, 4.0, 6.0, 8.0, 10.0]
    # Gains 1, losses 2; smoothed over two by 2 and 2: 0.125 to 1.75 is 100 * 0.125 / 1.875.
    advice = decided("rsi-reversion", chart(fallen), period=2)
    assert (advice.signal, advice.reason) == (Signal.BUY, "the RSI of 6.67 is below 30")
    assert decided("rsi-reversion", chart(fallen), SOME, period=2).signal is Signal.HOLD
    assert decided("rsi-reversion", chart(risen), SOME, period=2).signal is Signal.CLOSE
    assert decided("rsi-reversion", chart(risen), period=2).signal is Signal.HOLD
    assert decided("rsi-reversion", chart(fallen), period=2, buy_below=6).signal is Signal.HOLD


def test_a_breakout_is_above_the_highs_before_and_not_above_its_own() -> None:
    # Highs are closes plus one: the highest of the three before is 13.
    assert signals("donchian-breakout", [12, 10, 11, 13], entry=3, exit=1)[-1] == "HOLD"
    assert signals("donchian-breakout", [12, 10, 11, 13.5], entry=3, exit=1)[-1] == "BUY"
    # A high of 15 is older than the channel.
    assert signals("donchian-breakout", [14, 12, 10, 11, 13.5], entry=3, exit=1)[-1] == "BUY"


def test_a_breakout_is_left_below_the_lows_of_the_shorter_channel() -> None:
    closes = [5.0, 12.0, 10.0, 11.0]
    assert signals("donchian-breakout", [*closes, 9.0], SOME, entry=4, exit=3)[-1] == "HOLD"
    assert signals("donchian-breakout", [*closes, 8.5], SOME, entry=4, exit=3)[-1] == "CLOSE"
    assert signals("donchian-breakout", [*closes, 8.5], entry=4, exit=3)[-1] == "HOLD"


def test_averaging_buys_with_the_first_candle_of_each_stretch() -> None:
    said = []
    for number in range(2, 12):
        begins = [MONDAY + (number - 2) * HOUR, MONDAY + (number - 1) * HOUR]
        said.append(decided("dollar-cost-averaging", chart([1, 1], at=begins), every=4).signal)
    assert [number for number, signal in enumerate(said) if signal == "BUY"] == [3, 7]


def test_averaging_buys_a_part_whatever_is_held() -> None:
    begins = [MONDAY - HOUR, MONDAY]
    for held in (NOTHING, SOME):
        advice = decided("dollar-cost-averaging", chart([1, 1], at=begins), held, every=4, part=0.2)
        assert (advice.signal, advice.part) == (Signal.BUY, 0.2)


def test_averaging_buys_though_the_first_candle_of_a_stretch_is_missing() -> None:
    begins = [MONDAY - 2 * HOUR, MONDAY - HOUR, MONDAY + HOUR]
    advice = decided("dollar-cost-averaging", chart([1, 1, 1], at=begins), every=4)
    assert advice.signal is Signal.BUY
    begins.append(MONDAY + 2 * HOUR)
    advice = decided("dollar-cost-averaging", chart([1, 1, 1, 1], at=begins), every=4)
    assert advice.signal is Signal.HOLD


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_same_candles_give_the_same_advice(name: str) -> None:
    candles = waves(300)
    first, second = (decided(name, candles) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("held", [NOTHING, SOME])
def test_a_young_market_is_waited_for(name: str, held: Held) -> None:
    for length in range(60):
        advice = decided(name, waves(length), held)
        if length < 2:
            assert advice.signal is Signal.HOLD
            assert "candles so far" in advice.reason


@pytest.mark.parametrize(
    ("name", "parameters", "needed"),
    [
        ("moving-average-cross", {}, 51),
        ("moving-average-cross", {"slow": 250, "kind": "ema"}, 1000),
        ("rsi-reversion", {"period": 120}, 961),
        ("donchian-breakout", {"entry": 500}, 501),
        ("dollar-cost-averaging", {"every": 10_000}, 10),
    ],
)
def test_no_parameters_need_more_candles_than_there_may_be(
    name: str, parameters: dict[str, Any], needed: int
) -> None:
    strategy = BUILT_IN[name]
    given = read(strategy.Parameters, as_text(parameters))
    assert strategy.candles_needed(given) == needed <= MOST_CANDLES


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("moving-average-cross", {"kind": "ema"}), ("rsi-reversion", {})],
)
def test_as_many_candles_as_asked_for_are_as_good_as_many_more(
    name: str, parameters: dict[str, Any]
) -> None:
    strategy = BUILT_IN[name]
    needed = strategy.candles_needed(read(strategy.Parameters, as_text(parameters)))
    everything = waves(1000)
    for end in range(600, 1000, 7):
        shorter = chart(everything.close[end - needed : end].tolist())
        longer = chart(everything.close[:end].tolist())
        assert (
            decided(name, shorter, **parameters).signal
            is decided(name, longer, **parameters).signal
        )
