"""Budgets per token: query cost, orders and new subscriptions per second, open subscriptions."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from limits import RateLimitItemPerSecond
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from app.errors import RateLimited
from app.ports import Clock


class Budget(StrEnum):
    """What a budget counts. Cancels and halts are never counted."""

    COST = "cost"
    ORDERS = "orders"
    SUBSCRIPTIONS = "subscriptions"


@dataclass(frozen=True, kw_only=True, slots=True)
class RateLimits:
    """The limits of each token; 0 means no limit."""

    cost_per_second: int = 0
    orders_per_second: int = 0
    subscriptions_per_second: int = 0
    open_subscriptions: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetStatus:
    """How much of a budget is left, and when all of it is available again."""

    budget: Budget
    per_second: int
    left: int
    resets_in_seconds: float


class WindowCounter(Storage):
    """Counts in memory at the elapsed time `now`, set by the caller; forgets ended windows."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        # In the order in which they end, because all are equally long.
        self._windows: dict[str, _Window] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        window = self._find(key)
        if window is None:
            window = self._windows[key] = _Window(ends=self.now + expiry)
        window.count += amount
        return window.count

    def get(self, key: str) -> int:
        window = self._find(key)
        return 0 if window is None else window.count

    def get_expiry(self, key: str) -> float:
        window = self._find(key)
        return self.now if window is None else window.ends

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)

    def _find(self, key: str) -> "_Window | None":
        while self._windows:
            oldest = next(iter(self._windows))
            if self._windows[oldest].holds(self.now):
                break
            del self._windows[oldest]
        return self._windows.get(key)


@dataclass(slots=True)
class _Window:
    ends: float
    count: int = 0

    def holds(self, now: float) -> bool:
        return now < self.ends


class BudgetService:
    """Keeps the budgets of all tokens; each process counts for itself."""

    def __init__(self, clock: Clock, allowances: RateLimits) -> None:
        self._clock = clock
        self._windows = WindowCounter()
        self._limiter = FixedWindowRateLimiter(self._windows)
        self._items = {
            budget: RateLimitItemPerSecond(amount, namespace=budget)
            for budget, amount in _amounts(allowances).items()
            if amount
        }
        self.most_open = allowances.open_subscriptions
        self._open: Counter[str] = Counter()

    def take(self, token_id: str, budget: Budget, amount: int = 1) -> None:
        """Use a budget, or raise RateLimited; an amount above the whole budget takes all of it."""
        item = self._items.get(budget)
        if item is None:
            return
        self._windows.now = self._clock.elapsed()
        wanted = min(amount, item.amount)
        if not self._limiter.test(item, token_id, cost=wanted):
            raise self._refusal(token_id, budget, wanted)
        self._limiter.hit(item, token_id, cost=wanted)

    def standing(self, token_id: str, budget: Budget) -> BudgetStatus | None:
        """Returns None if the budget has no limit."""
        item = self._items.get(budget)
        if item is None:
            return None
        now = self._windows.now = self._clock.elapsed()
        resets_at, left = self._limiter.get_window_stats(item, token_id)
        return BudgetStatus(
            budget=budget,
            per_second=item.amount,
            left=left,
            resets_in_seconds=round(max(resets_at - now, 0.0), 3),
        )

    @contextmanager
    def subscription(self, token_id: str) -> Iterator[None]:
        """Count one more open subscription until the context ends."""
        if self.most_open and self._open[token_id] >= self.most_open:
            raise RateLimited(
                f"{self.most_open} subscriptions of this token are open: end one first",
                retry_after_seconds=1,
            )
        self.take(token_id, Budget.SUBSCRIPTIONS)
        self._open[token_id] += 1
        try:
            yield
        finally:
            self._open[token_id] -= 1
            if not self._open[token_id]:
                del self._open[token_id]

    def open_of(self, token_id: str) -> int:
        return self._open.get(token_id, 0)

    def __len__(self) -> int:
        """How many windows and tokens are remembered."""
        return len(self._windows) + len(self._open)

    def _refusal(self, token_id: str, budget: Budget, wanted: int) -> RateLimited:
        standing = self.standing(token_id, budget)
        if standing is None:
            raise LookupError(f"there is no budget of {budget}")
        seconds = max(standing.resets_in_seconds, 0.001)
        return RateLimited(
            f"the token's budget of {budget} is used up: this takes {wanted}, {standing.left} of"
            f" {standing.per_second} a second are left, all again in {seconds:.3f} s",
            retry_after_seconds=seconds,
        )


def _amounts(allowances: RateLimits) -> dict[Budget, int]:
    return {
        Budget.COST: allowances.cost_per_second,
        Budget.ORDERS: allowances.orders_per_second,
        Budget.SUBSCRIPTIONS: allowances.subscriptions_per_second,
    }
