"""No exchange is traded live without its kit."""

import pytest

from app.exchanges.ccxt.rows.table import QUIRKS
from tests.support.venues.every_venue import VENUES
from tests.venues.kit import missing


@pytest.mark.parametrize("exchange", sorted({*QUIRKS, *VENUES}))
def test_every_exchange_with_a_row_has_all_of_the_kit(exchange: str) -> None:
    assert list(missing(exchange)) == []


def test_of_an_exchange_that_nobody_looked_at_everything_is_missing() -> None:
    assert len(list(missing("somewhere"))) == 6
