"""A cache of balances, so that orders in quick succession do not ask the exchange each time."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from app.domain import money
from app.domain.accounts import AccountMode, Balance
from app.ports import Clock
from app.primitives.priorities import Priority, priority_here
from app.services.accounts import AccountEntry
from app.services.orders.ledger import OrderLedger

# Balances as old as this let an order pass, less what orders have taken since: the exchange has the
# last word. They never refuse one.
RECENT_SECONDS = 10.0
# A deposit is noticed at most this much later.
LATEST_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownBalances:
    """Balances, and whether asking the exchange again could not tell anything else."""

    balances: Mapping[str, Balance]
    is_latest: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    # In elapsed time.
    asked_at: float
    # The ledger's count of changes to the account's orders at the time of asking.
    changes: int
    balances: Mapping[str, Balance]


@dataclass(kw_only=True, slots=True)
class _Hold:
    """What an order takes of a balance, until an answer asked for after the exchange had it."""

    asset: str
    amount: Decimal
    answered_at: float | None = None

    def is_answered_before(self, at: float) -> bool:
        return self.answered_at is not None and self.answered_at < at


class BalanceCache:
    """Balances of real accounts, as the exchange told them last."""

    def __init__(self, ledger: OrderLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._answers: dict[str, _Answer] = {}
        self._holds: defaultdict[str, deque[_Hold]] = defaultdict(deque)
        # A question for an order never waits for the answer to a less urgent one.
        self._asking: defaultdict[tuple[str, bool], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def recent(self, account: AccountEntry) -> KnownBalances:
        """Balances that may be some seconds old, less what orders have taken since."""
        known = self._answers.get(account.name)
        if (
            account.mode is AccountMode.PAPER
            or known is None
            or self._age_seconds(known) >= RECENT_SECONDS
        ):
            return KnownBalances(balances=await self.latest(account), is_latest=True)
        return KnownBalances(
            balances=self._less_holds(account.name, known),
            is_latest=self._is_latest(account.name, known),
        )

    async def latest(self, account: AccountEntry) -> Mapping[str, Balance]:
        """Balances of the last second in which no order of the account has changed."""
        # Paper balances cost nothing to read.
        if account.mode is AccountMode.PAPER:
            return await account.gateway.balances()
        name, is_urgent = account.name, priority_here(Priority.LOOKUP).is_urgent
        async with self._asking[name, is_urgent]:
            answer = self._answers.get(name)
            if answer is None or not self._is_latest(name, answer):
                answer = await self._ask(account)
        return answer.balances

    @contextmanager
    def holding(self, account: str, asset: str, amount: Decimal) -> Iterator[None]:
        """While an order is sent inside, others know of what it takes."""
        hold = _Hold(asset=asset, amount=amount)
        holds = self._holds[account]
        # No balances that are still in use were asked for before; on paper nobody ever asks.
        while holds and holds[0].is_answered_before(self._clock.elapsed() - RECENT_SECONDS):
            holds.popleft()
        holds.append(hold)
        try:
            yield
        finally:
            hold.answered_at = self._clock.elapsed()

    async def _ask(self, account: AccountEntry) -> _Answer:
        asked_at, changes = self._clock.elapsed(), self._ledger.changes[account.name]
        balances = await account.gateway.balances()
        answer = _Answer(asked_at=asked_at, changes=changes, balances=balances)
        known = self._answers.get(account.name)
        if known is None or known.asked_at <= asked_at:
            self._answers[account.name] = answer
            self._forget_holds(account.name, asked_at)
        return answer

    def _forget_holds(self, account: str, asked_at: float) -> None:
        holds = self._holds[account]
        self._holds[account] = deque(
            hold for hold in holds if not hold.is_answered_before(asked_at)
        )

    def _less_holds(self, account: str, answer: _Answer) -> Mapping[str, Balance]:
        balances = dict(answer.balances)
        for hold in self._holds[account]:
            held = balances.get(hold.asset)
            if held is not None:
                free = max(money.subtract(held.free, hold.amount), money.ZERO)
                balances[hold.asset] = replace(held, free=free)
        return balances

    def _is_latest(self, name: str, answer: _Answer) -> bool:
        return (
            answer.changes == self._ledger.changes[name]
            and self._age_seconds(answer) < LATEST_SECONDS
        )

    def _age_seconds(self, answer: _Answer) -> float:
        return self._clock.elapsed() - answer.asked_at
