"""What stands on the margin positions of one account, and when the exchange has to close them."""

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
    """Every position, the flat ones too, and what there is of each quote in which one is open."""

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
        """The markets in which one is open."""
        return [symbol for symbol, position in self.positions.items() if position.amount]

    @property
    def are_apart(self) -> bool:
        """Whether no two of them stand on the same quote."""
        return len(self.symbols) == len(self.totals)

    def open_in(self, quote: str) -> list[PaperPosition]:
        return [one for one in self.positions.values() if one.amount and one.quote == quote]

    def touches(self, assets: Iterable[str]) -> bool:
        """Whether open positions stand on any of these."""
        return not self.totals.keys().isdisjoint(assets)

    def called(self, mark: MarkOf) -> list[str]:
        """The quotes in which everything has to be closed at these prices."""
        return [quote for quote in sorted(self.totals) if self._is_called(quote, mark)]

    def standing(self, quote: str, mark: MarkOf) -> MarginLevel | None:
        """None where the price of any position is not known."""
        return self._standing(quote, self.open_in(quote), mark)

    def exposures(self, mark: MarkOf) -> list[Exposure]:
        return [
            Exposure(
                symbol=one.symbol,
                type=PositionType.MARGIN,
                amount=one.amount,
                entry_price=one.holding.entry_price,
                leverage=one.leverage,
                margin=one.margin,
                liquidation_price=self._liquidation_price(one, mark),
            )
            for one in self.positions.values()
            if one.amount
        ]

    def _liquidation_price(self, position: PaperPosition, mark: MarkOf) -> Decimal | None:
        others = [one for one in self.open_in(position.quote) if one != position]
        rest = self._standing(position.quote, others, mark)
        return None if rest is None else liquidation_price(_leg(position), rest)

    def _is_called(self, quote: str, mark: MarkOf) -> bool:
        standing = self.standing(quote, mark)
        return standing is not None and standing.is_called

    def _standing(
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
