"""Equity as it is now, with what came from outside since the last record taken out of its gains."""

from datetime import datetime

from app.domain import money
from app.domain.portfolio import portfolios as domain
from app.domain.portfolio.deposits import flow, outside_of, units_after
from app.domain.portfolio.equity_curves import EquityKey, EquityPoint
from app.services.portfolio.valuation import Valuation
from app.services.reads import View


async def point_of(view: View, found: Valuation, now: datetime) -> EquityPoint:
    """Where nothing was recorded yet, everything that is there was there from the beginning."""
    stock, by = found.stock, found.by_home
    point = EquityPoint(at=now, equity=domain.equity(stock, by))
    key = EquityKey(account=found.account, currency=stock.home)
    last, peak = await view.last_equity(key), await view.equity_peak(key)
    if last is None or peak is None:
        return point
    before = await view.outside(found.account)
    came = money.ZERO if before is None else flow(before, outside_of(stock), by)
    units = units_after(last, peak, point.equity, came)
    return EquityPoint(at=now, equity=point.equity, units=units)
