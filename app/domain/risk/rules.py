"""Rules: trading window, limits, trading states and dead-man switches, of all and each account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.risk.clearings import Clearing
from app.domain.risk.limits import RiskLimits, TradingStateRecord, severest
from app.domain.risk.trading_windows import TradingWindow

# The account name under which rules for all accounts are stored.
ALL = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """All rules at one instant. Trading states and switches are by account, or ALL for all."""

    window: TradingWindow
    limits: RiskLimits
    standings: Mapping[str, TradingStateRecord]
    # When each switch fires, unless it is armed again.
    switches: Mapping[str, datetime] = field(default_factory=dict)
    # By account, what the last halt has to clear, until trading is resumed.
    clearings: Mapping[str, Clearing] = field(default_factory=dict)

    def standing(self, account: str) -> TradingStateRecord:
        """The severer of the account's own trading state and that of all accounts."""
        own = self.standings.get(account)
        return severest([self.standings[ALL], *([] if own is None else [own])])

    def fires_at(self, accounts: Iterable[str]) -> datetime | None:
        armed = [self.switches[name] for name in (ALL, *accounts) if name in self.switches]
        return min(armed, default=None)
