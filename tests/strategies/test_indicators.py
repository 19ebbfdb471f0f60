from itertools import pairwise

import numpy as np
import pytest

from app.strategies.indicators import exponential_average, relative_strength, simple_average
from tests.strategies.charts import waves

# The example that every text on the RSI works through, with its results.
WORKED = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826,
    45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439,
]  # fmt: skip
WORKED_RSI = [70.53, 66.32, 66.55, 69.41, 66.36, 57.97]


def test_a_simple_average_is_the_mean_of_each_stretch() -> None:
    averages = simple_average(np.array([1.0, 2.0, 6.0, 7.0]), 3)
    assert averages.tolist() == [3.0, 5.0]


def test_an_exponential_average_begins_with_a_mean_and_weighs_what_follows() -> None:
    # 2, then 2 + (6 - 2) / 2, then 4 + (10 - 4) / 2.
    averages = exponential_average(np.array([1.0, 2.0, 3.0, 6.0, 10.0]), 3)
    assert averages.tolist() == [2.0, 4.0, 7.0]


def test_the_rsi_of_the_worked_example_is_the_published_one() -> None:
    index = relative_strength(np.array(WORKED), 14)
    assert index.round(2).tolist() == WORKED_RSI


def test_the_rsi_is_what_its_definition_says_step_by_step() -> None:
    closes, period = waves(200).close, 9
    changes = [float(b - a) for a, b in pairwise(closes)]
    gain = sum(max(one, 0) for one in changes[:period]) / period
    loss = sum(max(-one, 0) for one in changes[:period]) / period
    expected = [100 - 100 / (1 + gain / loss)]
    for change in changes[period:]:
        gain = (gain * (period - 1) + max(change, 0)) / period
        loss = (loss * (period - 1) + max(-change, 0)) / period
        expected.append(100 - 100 / (1 + gain / loss))
    assert relative_strength(closes, period).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("closes", "index"),
    [([1.0, 2.0, 3.0, 4.0], 100.0), ([4.0, 3.0, 2.0, 1.0], 0.0), ([5.0, 5.0, 5.0, 5.0], 50.0)],
)
def test_the_rsi_of_one_direction_alone_is_an_end_of_the_scale(
    closes: list[float], index: float
) -> None:
    assert set(relative_strength(np.array(closes), 2).tolist()) == {index}
