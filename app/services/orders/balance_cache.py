"""A cache of balances, so that orders in quick succession do not ask the exchange each time."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.accounts import AccountMode, Balance
from app.ports import Clock
from app.primitives.once_per_key import OncePerKey
from app.services.accounts import AccountEntry
from app.services.orders.ledger import OrderLedger

# A deposit is noticed at most this much later.
GOOD_FOR_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    # In elapsed time.
    asked_at: float
    # The ledger's count of changes to the account's orders at the time of asking.
    changes: int
    balances: Mapping[str, Balance]


class BalanceCache:
    """Balances of real accounts, good for a second or until an order of the account changes."""

    def __init__(self, ledger: OrderLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._answers: OncePerKey[str, _Answer] = OncePerKey(self._is_good)

    async def of(self, account: AccountEntry) -> Mapping[str, Balance]:
        # Paper balances cost nothing to read.
        if account.mode is AccountMode.PAPER:
            return await account.gateway.balances()
        answer = await self._answers.get(account.name, lambda: self._ask(account))
        return answer.balances

    async def _ask(self, account: AccountEntry) -> _Answer:
        asked_at, changes = self._clock.elapsed(), self._ledger.changes[account.name]
        balances = await account.gateway.balances()
        return _Answer(asked_at=asked_at, changes=changes, balances=balances)

    def _is_good(self, name: str, answer: _Answer) -> bool:
        if answer.changes != self._ledger.changes[name]:
            return False
        return self._clock.elapsed() - answer.asked_at < GOOD_FOR_SECONDS
