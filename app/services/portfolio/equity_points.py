"""The equity of an account now, with deposits and withdrawals kept out of its gains."""

from datetime import datetime

from app.domain import money
from app.domain.portfolio import portfolios as domain
from app.domain.portfolio.deposits import flow, outside_of, units_after
from app.domain.portfolio.equity_curves import EquityKey, EquityPoint
from app.services.portfolio.valuation import Valuation
from app.services.reads import View


async def point_of(view: View, valuation: Valuation, now: datetime) -> EquityPoint:
    """The point to record; the first one of an account counts all that it holds as its start."""
    stock, by_home = valuation.stock, valuation.by_home
    point = EquityPoint(at=now, equity=domain.equity(stock, by_home))
    key = EquityKey(account=valuation.account, currency=stock.home)
    last, peak = await view.last_equity(key), await view.equity_peak(key)
    if last is None or peak is None:
        return point
    outside_before = await view.outside(valuation.account)
    deposited = (
        money.ZERO if outside_before is None else flow(outside_before, outside_of(stock), by_home)
    )
    units = units_after(last, peak, point.equity, deposited)
    return EquityPoint(at=now, equity=point.equity, units=units)
