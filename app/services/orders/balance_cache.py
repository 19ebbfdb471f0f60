"""What an account has, asked of its exchange no more often than it can have changed."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domain.accounts import AccountMode, Balance
from app.ports import Clock
from app.services.accounts import AccountEntry
from app.services.orders.ledger import OrderLedger

# Deposits are seen so much later. Paper money is counted here and costs nothing to look at.
GOOD_FOR = timedelta(seconds=1)


@dataclass(slots=True)
class _Answer:
    asked_at: datetime | None = None
    # How many changes of orders were known when it was asked for.
    changes: int = 0
    balances: Mapping[str, Balance] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class BalanceCache:
    """Whoever asks while an answer is on its way waits for it; each change of an order ends it."""

    def __init__(self, ledger: OrderLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._answers: defaultdict[str, _Answer] = defaultdict(_Answer)

    async def of(self, account: AccountEntry) -> Mapping[str, Balance]:
        if account.mode is AccountMode.PAPER:
            return await account.gateway.balances()
        answer = self._answers[account.name]
        async with answer.turn:
            if not self._is_good(account.name, answer):
                asked_at, changes = self._clock.now(), self._ledger.changes[account.name]
                answer.balances = await account.gateway.balances()
                answer.asked_at, answer.changes = asked_at, changes
            return answer.balances

    def _is_good(self, name: str, answer: _Answer) -> bool:
        if answer.asked_at is None or answer.changes != self._ledger.changes[name]:
            return False
        return self._clock.now() - answer.asked_at < GOOD_FOR
