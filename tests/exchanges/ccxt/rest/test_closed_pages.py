from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.exchanges.ccxt.connection.exchange_quirks import AccountPages
from app.exchanges.ccxt.rest.closed_pages import ClosedPages
from tests.support.clock import ManualClock

SINCE = datetime(2025, 6, 1, 12, tzinfo=UTC)
PAGES = AccountPages(size=2, offset="ofs", start="start")


async def test_pages_that_bring_nothing_new_are_the_last() -> None:
    asked: list[Mapping[str, Any]] = []

    async def always_the_same(params: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        asked.append(params)
        return [{"id": name, "symbol": "BTC/USDT"} for name in ("one", "two")]

    pages = ClosedPages(PAGES, always_the_same, ManualClock(SINCE))
    assert [row["id"] for row in await pages.of(["BTC/USDT"], SINCE)] == ["one", "two"]
    assert [params["ofs"] for params in asked] == [0, 2]
    assert {params["start"] for params in asked} == {int(SINCE.timestamp()) - 1}
