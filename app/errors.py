"""Everything that can go wrong, as one tree, with what the caller should do about it.

OrderdeckError
├── RequestError            fix the request
│   ├── BadInput
│   ├── TooComplex
│   ├── CursorInvalid
│   └── CursorExpired
├── AccessError             bring another token
│   ├── Unauthenticated
│   └── Forbidden
├── RateLimited             wait as long as it says, then try again
├── NotFound                look for something that exists
├── Denied                  our own no: read the refusal
├── ExchangeError           look at the exchange
│   ├── ExchangeRejected    it said no: surely not placed
│   ├── ExchangeUnavailable it was surely never asked
│   └── ExchangeDoubt       nobody knows: look it up, never send again
├── StorageError            look at the database
│   ├── StaleRevision       somebody was faster: read again
│   ├── Duplicate           it is already there
│   ├── StorageUnavailable  retry later
│   ├── SchemaMismatch      migrate, or run the newer program
│   └── CopyRefused         read why: nothing was replaced
├── BrokenOff               look up what became of it
├── BotError                look at the bot
│   ├── StrategyFailed      a strategy gave no advice: look at what it says
│   └── CycleFailed         nothing could be decided: it is tried again
└── SettingsError           fix the settings
"""

from dataclasses import dataclass
from enum import StrEnum


class RefusalCode(StrEnum):
    """Why something that a trader must expect was not done."""

    INVALID_INPUT = "INVALID_INPUT"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"
    UNKNOWN_STRATEGY = "UNKNOWN_STRATEGY"
    NOT_FOUND = "NOT_FOUND"
    UNSUPPORTED = "UNSUPPORTED"
    PRECISION = "PRECISION"
    MIN_NOTIONAL = "MIN_NOTIONAL"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    ALREADY_CLOSED = "ALREADY_CLOSED"
    INVALID_STATE = "INVALID_STATE"
    TRADING_HALTED = "TRADING_HALTED"
    RISK_LIMIT = "RISK_LIMIT"
    WINDOW_CLOSED = "WINDOW_CLOSED"
    REJECTED_BY_EXCHANGE = "REJECTED_BY_EXCHANGE"
    EXCHANGE_UNAVAILABLE = "EXCHANGE_UNAVAILABLE"
    RATE_LIMITED = "RATE_LIMITED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A no that comes back as data: what was wrong, where, and whether to try again."""

    code: RefusalCode
    message: str
    field: tuple[str, ...] | None = None
    retryable: bool = False


class OrderdeckError(Exception):
    """The root: nothing of ours is raised that is not below it."""

    code = "INTERNAL_SERVER_ERROR"


class RequestError(OrderdeckError):
    """The request itself is wrong: fix it."""

    code = "BAD_USER_INPUT"

    def __init__(
        self, message: str, *, field: tuple[str, ...] = (), reason: RefusalCode | None = None
    ) -> None:
        super().__init__(message)
        self.field = field
        self.reason = reason


class BadInput(RequestError):
    """A value that no rule of trading is needed to refuse: fix the request."""


class TooComplex(RequestError):
    """A document beyond a limit: ask for less at once, or in several requests."""

    code = "QUERY_TOO_COMPLEX"

    def __init__(self, limit: str, *, found: int, most: int) -> None:
        super().__init__(f"the document is too complex: {limit} {found}, at most {most}")
        self.limit = limit
        self.found = found
        self.most = most


class CursorInvalid(RequestError):
    """A cursor that was not made for this list or by this log: start without it."""

    code = "CURSOR_INVALID"


class CursorExpired(RequestError):
    """A cursor from before the kept log: read the list anew and go on from its asOf."""

    code = "CURSOR_EXPIRED"


class AccessError(OrderdeckError):
    """The token does not open this door."""


class Unauthenticated(AccessError):
    """No token, or one that does not stand: bring a valid one."""

    code = "UNAUTHENTICATED"


class Forbidden(AccessError):
    """The token lacks a scope: bring one that has it."""

    code = "FORBIDDEN"


class RateLimited(OrderdeckError):
    """More was asked than is given in this time: wait as long as it says, then try again."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotFound(OrderdeckError):
    """Nothing with this name: look for something that exists."""

    code = "BAD_USER_INPUT"


class Denied(OrderdeckError):
    """Our own no, decided before the exchange was asked: read the refusal."""

    code = "BAD_USER_INPUT"

    def __init__(self, refusal: Refusal, *, existing_order: object | None = None) -> None:
        super().__init__(f"{refusal.code}: {refusal.message}")
        self.refusal = refusal
        self.existing_order = existing_order


class ExchangeError(OrderdeckError):
    """The exchange did not do as asked: look at the exchange."""

    code = "EXCHANGE_UNAVAILABLE"


class ExchangeRejected(ExchangeError):
    """The exchange answered no: surely not placed, the reason is in the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.code}: {refusal.message}")
        self.refusal = refusal


class ExchangeUnavailable(ExchangeError):
    """The request surely never reached the exchange: try again later."""


class ExchangeDoubt(ExchangeError):
    """No clear answer: it may or may not have happened, so look it up and never send again."""


class StorageError(OrderdeckError):
    """The database did not do as asked: look at the database."""


class StaleRevision(StorageError):
    """Somebody else changed it first: read it again and decide anew."""


class Duplicate(StorageError):
    """A row with this key exists already: read it instead."""


class StorageUnavailable(StorageError):
    """The database cannot be read or written just now: nothing was changed, retry later."""

    def __init__(self, message: str, *, is_busy: bool = False) -> None:
        super().__init__(message)
        self.is_busy = is_busy


class SchemaMismatch(StorageError):
    """The database is older or newer than this program: migrate it, or run the newer program."""


class CopyRefused(StorageError):
    """A backup that is not made, or not put in place: read why, nothing was replaced."""


class BrokenOff(OrderdeckError):
    """The server ended before this was done: look up what became of it."""


class BotError(OrderdeckError):
    """The bot did not do as it was told: look at the bot."""


class StrategyFailed(BotError):
    """A strategy gave no advice, for the reason that the message tells: look at the strategy."""


class CycleFailed(BotError):
    """Nothing at all could be decided: the bot tries again by itself."""


class SettingsError(OrderdeckError):
    """Settings that cannot be used, every bad one named: fix them."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
