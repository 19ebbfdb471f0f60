"""Deposits and withdrawals, found by comparing balances with trades: neither gain nor loss."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from app.domain import money
from app.domain.order_kinds import PositionType
from app.domain.portfolio.conversions import Converter
from app.domain.portfolio.equity_curves import EquityPoint
from app.domain.portfolio.portfolios import PortfolioFacts
from app.domain.portfolio.positions import Position, assets_of


def outside_of(stock: PortfolioFacts) -> Mapping[str, Decimal]:
    """Each asset's balance less what trades have brought.

    A fee in a third currency lowers that asset and, at its value, raises the quote: the sum is 0.
    """
    found: defaultdict[str, Decimal] = defaultdict(lambda: money.ZERO)
    found[stock.home] = money.ZERO
    for balance in stock.balances.values():
        found[balance.asset] = money.add(balance.free, balance.used)
    for position in stock.positions:
        for asset, brought in _brought(position).items():
            found[asset] = money.subtract(found[asset], brought)
    return {asset: amount for asset, amount in found.items() if amount or asset == stock.home}


def flow(before: Mapping[str, Decimal], now: Mapping[str, Decimal], by: Converter) -> Decimal:
    """Deposits less withdrawals since `before`, at current prices."""
    return by.total(
        (asset, money.subtract(now.get(asset, money.ZERO), before.get(asset, money.ZERO)))
        for asset in {*before, *now}
    )


def units_after(last: EquityPoint, peak: EquityPoint, equity: Decimal, came: Decimal) -> Decimal:
    """The units after a deposit, which buys units at their value before it came."""
    before = money.subtract(equity, came)
    if last.units and (not came or equity < money.ZERO):
        return last.units
    if last.units and before > money.ZERO:
        return money.divide(money.multiply(last.units, equity), before)
    # An account that was empty starts anew, at its peak value per unit.
    return money.divide(equity, peak.value) if peak.value > money.ZERO else last.units


def _brought(position: Position) -> Mapping[str, Decimal]:
    """What all trades of a position have brought; beyond spot, only the realized profit."""
    base, quote = assets_of(position.key.symbol)
    holding = position.holding
    if position.key.type is not PositionType.SPOT:
        return {quote: holding.realized}
    return {base: holding.amount, quote: money.subtract(holding.realized, holding.basis)}
