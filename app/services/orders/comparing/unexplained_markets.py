"""UnexplainedMarkets: the markets in which orders may have closed that nobody here knows of."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.markets.markets import Market
from app.domain.orders.reports import OrderReport
from app.primitives.recent_dict import RecentDict

_STRANGERS_KEPT = 1000


class UnexplainedMarkets:
    """Since when the closed orders of each market have to be asked for; the others are not."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}
        self._strangers: RecentDict[tuple[str, str], OrderReport] = RecentDict(_STRANGERS_KEPT)
        self._outside: Mapping[str, Decimal] | None = None

    def __len__(self) -> int:
        return len(self._since)

    def note(self, symbols: Iterable[str], since: datetime) -> None:
        """Ask for what closed in these markets since then, or since an earlier time noted."""
        for symbol in symbols:
            self._since[symbol] = min(since, self._since.get(symbol, since))

    def note_stranger(self, report: OrderReport) -> None:
        """The stream told of an order that is not known here, or not yet."""
        self._strangers[report.name] = report

    def take_strangers(self) -> Sequence[OrderReport]:
        strangers = list(self._strangers.values())
        self._strangers.clear()
        return strangers

    def note_outside(
        self, outside: Mapping[str, Decimal] | None, markets: Iterable[Market], since: datetime
    ) -> None:
        """Note the markets both of whose assets have moved otherwise than by our own fills.

        What is outside of our fills changes with a deposit as well, but then in one asset alone.
        """
        before, self._outside = self._outside, outside
        if before is None or outside is None or before == outside:
            return
        moved = {
            asset
            for asset in {*before, *outside}
            if before.get(asset, money.ZERO) != outside.get(asset, money.ZERO)
        }
        self.note(
            (market.symbol for market in markets if {market.base, market.quote} <= moved), since
        )

    def due(self, most: int) -> Sequence[tuple[str, datetime]]:
        """The markets to ask for next, at most this many, those that wait longest first."""
        return list(self._since.items())[:most]

    def done(self, symbol: str, since: datetime) -> None:
        """The market was listed since then; it stays if an earlier time was noted meanwhile."""
        if self._since.get(symbol, since) >= since:
            self._since.pop(symbol, None)
