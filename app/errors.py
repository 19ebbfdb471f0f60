"""The tree of all exceptions, with what the caller should do about each.

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
├── Denied                  we refused it ourselves: read the refusal
├── ExchangeError           look at the exchange
│   ├── ExchangeRejected    it refused: certainly not placed
│   ├── ExchangeUnavailable it was certainly never asked
│   └── ExchangeDoubt       unknown: look it up, never send again
├── StorageError            look at the database
│   ├── StaleRevision       changed meanwhile: read again
│   ├── Duplicate           it exists already
│   ├── StorageUnavailable  retry later
│   ├── SchemaMismatch      migrate, or run the newer program
│   ├── CopyRefused         read why: nothing was replaced
│   └── DatabaseInUse       stop the other process, or use another data folder
├── BrokenOff               look up what became of it
├── BotError                look at the bot
│   ├── StrategyFailed      a strategy gave no signal: look at its message
│   └── CycleFailed         no decision was made: it is tried again
└── SettingsError           fix the settings
"""

from dataclasses import dataclass
from enum import StrEnum


class RefusalCode(StrEnum):
    """The reasons of refusals, all of which a client must be ready for."""

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
    """A refusal that is returned as data: what was wrong, where, and whether to retry."""

    code: RefusalCode
    message: str
    field: tuple[str, ...] | None = None
    retryable: bool = False


class OrderdeckError(Exception):
    """The root of all exceptions that this program raises itself."""

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
    """A value that is invalid by itself, without any rule of trading: fix the request."""


class TooComplex(RequestError):
    """A document exceeds a limit: ask for less at once, or in several requests."""

    code = "QUERY_TOO_COMPLEX"

    def __init__(self, limit: str, *, found: int, most: int) -> None:
        super().__init__(f"the document is too complex: {limit} {found}, at most {most}")
        self.limit = limit
        self.found = found
        self.most = most


class CursorInvalid(RequestError):
    """A cursor of another list or another database: start without it."""

    code = "CURSOR_INVALID"


class CursorExpired(RequestError):
    """A cursor older than the log reaches back: read the list again and resume from its asOf."""

    code = "CURSOR_EXPIRED"


class AccessError(OrderdeckError):
    """The token does not give access: bring another."""


class Unauthenticated(AccessError):
    """No token, or one that is not valid: bring a valid one."""

    code = "UNAUTHENTICATED"


class Forbidden(AccessError):
    """The token lacks a scope: bring one that has it."""

    code = "FORBIDDEN"


class RateLimited(OrderdeckError):
    """Too many requests in this time: wait as long as it says, then try again."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotFound(OrderdeckError):
    """Nothing has this name: look for something that exists."""

    code = "BAD_USER_INPUT"


class Denied(OrderdeckError):
    """We refused it ourselves, before anything was sent to the exchange: read the refusal."""

    code = "BAD_USER_INPUT"

    def __init__(self, refusal: Refusal, *, existing_order: object | None = None) -> None:
        super().__init__(f"{refusal.code}: {refusal.message}")
        self.refusal = refusal
        self.existing_order = existing_order


class ExchangeError(OrderdeckError):
    """The exchange failed or refused: look at the exchange."""

    code = "EXCHANGE_UNAVAILABLE"


class ExchangeRejected(ExchangeError):
    """The exchange refused: certainly not placed, the reason is in the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.code}: {refusal.message}")
        self.refusal = refusal


class ExchangeUnavailable(ExchangeError):
    """The request certainly never reached the exchange: try again later."""


class ExchangeDoubt(ExchangeError):
    """No clear answer: it may or may not have happened, so look it up and never send it again."""


class StorageError(OrderdeckError):
    """The database failed or refused: look at the database."""


class StaleRevision(StorageError):
    """Something else changed the row first: read it again and decide anew."""


class Duplicate(StorageError):
    """A row with this key exists already: read it instead."""


class StorageUnavailable(StorageError):
    """The database cannot be read or written now: nothing was changed, retry later."""

    def __init__(self, message: str, *, is_busy: bool = False) -> None:
        super().__init__(message)
        self.is_busy = is_busy


class SchemaMismatch(StorageError):
    """The database is older or newer than this program: migrate it, or run the newer program."""


class CopyRefused(StorageError):
    """A backup was not made or not restored: read why, nothing was replaced."""


class DatabaseInUse(StorageError):
    """Another process holds the SQLite database: stop that one, or use another data folder."""


class BrokenOff(OrderdeckError):
    """The server shut down before this was done: look up what became of it."""


class BotError(OrderdeckError):
    """The bot could not do what it should: look at the bot."""


class StrategyFailed(BotError):
    """A strategy gave no signal, for the reason in the message: look at the strategy."""


class CycleFailed(BotError):
    """A cycle of the bot made no decision at all: the bot tries again by itself."""


class SettingsError(OrderdeckError):
    """Settings are unusable, with a problem for every bad one: fix them."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
