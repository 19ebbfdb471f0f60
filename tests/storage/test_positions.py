from datetime import timedelta
from decimal import Decimal

from app.domain.accounts import AccountMode
from app.domain.order_kinds import PositionType
from app.domain.portfolio.positions import PositionKey, RoundTrip, RoundTripResult
from app.storage.database import Database
from app.storage.positions import PositionStore
from tests.conftest import START, on_each_database

pytestmark = on_each_database

KEYS = [
    PositionKey(account="paper", symbol=symbol, type=PositionType.SPOT)
    for symbol in ("BTC/USDT", "ETH/USDT")
]


def ended(minute: int, pnl: int) -> RoundTrip:
    closed_at = START + timedelta(minutes=minute)
    return RoundTrip(opened_at=START, closed_at=closed_at, pnl=Decimal(pnl))


async def test_results_come_whole_in_batches_of_any_size(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.accounts.insert("paper", "paper", AccountMode.PAPER, START)
        # Several at the same time, as after one order.
        for key in KEYS:
            await tx.positions.add_rounds(key, [ended(0, 1), ended(1, 2), ended(1, 3), ended(2, 4)])
    expected = [
        RoundTripResult(symbol=key.symbol, pnl=Decimal(pnl))
        for pnls in ([1], [2, 3], [4])
        for key in KEYS
        for pnl in pnls
    ]
    async with database.snapshot() as view:
        for batch in (1, 2, 3, 8, 100):
            found = PositionStore(view.sql, batch=batch)
            assert await found.results("paper") == expected
            later = START + timedelta(minutes=1)
            assert await found.results("paper", since=later) == expected[2:]
