"""MarginAccount: an account's margin positions and margin levels, and when they are liquidated."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from app.domain import money
from app.domain.order_kinds import PositionType
from app.domain.paper_ledger import PaperBalance, PaperPosition
from app.domain.portfolio.exposures import Exposure
from app.domain.portfolio.margins import MarginLevel, MarginPosition, liquidation_price

MarkOf = Callable[[str], Decimal | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginAccount:
    """All margin positions, including flat ones, and the total of each quote with an open one."""

    positions: Mapping[str, PaperPosition] = field(default_factory=dict)
    totals: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def of(
        cls, positions: Iterable[PaperPosition], balances: Mapping[str, PaperBalance]
    ) -> "MarginAccount":
        known = {position.symbol: position for position in positions}
        quotes = {position.quote for position in known.values() if position.amount}
        return cls(positions=known, totals={quote: balances[quote].total for quote in quotes})

    @property
    def symbols(self) -> list[str]:
        """The markets with an open position."""
        return [symbol for symbol, position in self.positions.items() if position.amount]

    @property
    def are_apart(self) -> bool:
        """Whether each open position has its quote currency to itself."""
        return len(self.symbols) == len(self.totals)

    def open_in(self, quote: str) -> list[PaperPosition]:
        return [
            position
            for position in self.positions.values()
            if position.amount and position.quote == quote
        ]

    def touches(self, assets: Iterable[str]) -> bool:
        """Whether any of these assets is the quote of an open position."""
        return not self.totals.keys().isdisjoint(assets)

    def called(self, mark: MarkOf) -> list[str]:
        """The quotes in which all positions must be liquidated at these prices."""
        return [quote for quote in sorted(self.totals) if self._is_called(quote, mark)]

    def margin_level(self, quote: str, mark: MarkOf) -> MarginLevel | None:
        """The margin level; None if the price of any position is not known."""
        return self._margin_level(quote, self.open_in(quote), mark)

    def exposures(self, mark: MarkOf) -> list[Exposure]:
        return [
            Exposure(
                symbol=position.symbol,
                type=PositionType.MARGIN,
                amount=position.amount,
                entry_price=position.holding.entry_price,
                leverage=position.leverage,
                margin=position.margin,
                liquidation_price=self._liquidation_price(position, mark),
            )
            for position in self.positions.values()
            if position.amount
        ]

    def _liquidation_price(self, position: PaperPosition, mark: MarkOf) -> Decimal | None:
        others = [other for other in self.open_in(position.quote) if other != position]
        rest = self._margin_level(position.quote, others, mark)
        return None if rest is None else liquidation_price(_leg(position), rest)

    def _is_called(self, quote: str, mark: MarkOf) -> bool:
        margin = self.margin_level(quote, mark)
        return margin is not None and margin.is_called

    def _margin_level(
        self, quote: str, positions: Iterable[PaperPosition], mark: MarkOf
    ) -> MarginLevel | None:
        legs: list[tuple[MarginPosition, Decimal]] = []
        for position in positions:
            price = mark(position.symbol)
            if price is None:
                return None
            legs.append((_leg(position), price))
        return MarginLevel.of(self.totals.get(quote, money.ZERO), legs)


def _leg(position: PaperPosition) -> MarginPosition:
    return MarginPosition(amount=position.amount, basis=position.holding.basis)
