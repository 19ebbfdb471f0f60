"""Every table. The `log` row gives out event numbers, never a database sequence."""

from app.storage.tables.access import audit, tokens
from app.storage.tables.base import metadata
from app.storage.tables.bot import bot_decisions, bot_holdings, bots, candles, rules
from app.storage.tables.holdings import (
    equity_peaks,
    equity_points,
    outside_amounts,
    position_checkpoints,
    position_rounds,
    positions,
)
from app.storage.tables.orders import (
    accounts,
    amendments,
    entries,
    events,
    fills,
    log,
    order_metadata,
    orders,
)
from app.storage.tables.paper import (
    paper_balances,
    paper_books,
    paper_orders,
    paper_positions,
    paper_trades,
)

__all__ = [
    "accounts",
    "amendments",
    "audit",
    "bot_decisions",
    "bot_holdings",
    "bots",
    "candles",
    "entries",
    "equity_peaks",
    "equity_points",
    "events",
    "fills",
    "log",
    "metadata",
    "order_metadata",
    "orders",
    "outside_amounts",
    "paper_balances",
    "paper_books",
    "paper_orders",
    "paper_positions",
    "paper_trades",
    "position_checkpoints",
    "position_rounds",
    "positions",
    "rules",
    "tokens",
]
