"""Tries what generators make, for as long as there is time."""

import os
import random
import time
import warnings
from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisWarning
from hypothesis.strategies import SearchStrategy

IS_SOAK = bool(os.environ.get("ORDERDECK_TEST_SOAK"))
SECONDS = 600.0 if IS_SOAK else 20.0
# Few enough that the time is kept.
EXAMPLES = 50
_RUN = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    # A server that is asked again is not as it was: what was found first is told.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def fuzz(examine: Callable[[Any], None], material: SearchStrategy[Any]) -> int:
    """The number of runs; one that fails tells its seed, with which ORDERDECK_TEST_SEED begins."""
    ends = time.monotonic() + SECONDS
    first = _first_seed()
    for number in count(first):
        if time.monotonic() > ends:
            return number - first
        with warnings.catch_warnings():
            # What was found is told at any length.
            warnings.simplefilter("ignore", HypothesisWarning)
            _run(number, examine, material)
    raise AssertionError("numbers have no end")


def _run(number: int, examine: Callable[[Any], None], material: SearchStrategy[Any]) -> None:
    try:
        seed(number)(_RUN(given(material)(examine)))()
    except BaseException as error:
        error.add_note(f"found with ORDERDECK_TEST_SEED={number}")
        raise


def _first_seed() -> int:
    """The same in every short run; the long one looks where nobody has looked."""
    named = os.environ.get("ORDERDECK_TEST_SEED")
    if named is not None:
        return int(named)
    return random.randrange(1 << 32) if IS_SOAK else 0
