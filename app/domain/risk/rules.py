"""What is allowed, for all accounts and for each: window, limits, trading state and switches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.risk.limits import RiskLimits, TradingStateRecord, severest
from app.domain.risk.trading_windows import TradingWindow

# The name under which a state of all accounts is kept.
ALL = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Everything at one instant. Standings and switches are by account, or of all of them."""

    window: TradingWindow
    limits: RiskLimits
    standings: Mapping[str, TradingStateRecord]
    # When they fire, unless they are armed again.
    switches: Mapping[str, datetime] = field(default_factory=dict)

    def standing(self, account: str) -> TradingStateRecord:
        """Of the state of all accounts and its own the severer one."""
        own = self.standings.get(account)
        return severest([self.standings[ALL], *([] if own is None else [own])])

    def fires_at(self, accounts: Iterable[str]) -> datetime | None:
        armed = [self.switches[name] for name in (ALL, *accounts) if name in self.switches]
        return min(armed, default=None)
