"""What went wrong on the way to an exchange, in our words; whatever is not known is doubt."""

import re
from collections.abc import Iterable, Mapping

import orjson

from app.errors import (
    ExchangeDoubt,
    ExchangeError,
    ExchangeRejected,
    ExchangeUnavailable,
    Refusal,
    RefusalCode,
)

MAX_WORDS = 160

_PLACED_ALREADY = re.compile(r"duplicat|already (exist|used)|repeated", re.IGNORECASE)
_REVOKED = re.compile(r"-2015|invalid api.?key", re.IGNORECASE)
_PAGE = re.compile(r"<(!doctype|html|head|body)", re.IGNORECASE)
_ADDRESS = re.compile(r"\S*://\S*|\b(GET|POST|PUT|PATCH|DELETE)\b")
_SECRET = re.compile(r"[A-Za-z0-9+/=_\-]{32,}")
_SPEAKS = ("msg", "retMsg", "sMsg", "message", "error", "errors")

# No connection was made, so that no request can have left.
_NEVER_SENT = frozenset(
    {"ClientConnectorError", "ClientConnectorDNSError", "ConnectionTimeoutError", "gaierror"}
)
# Causes of ours, which say more than ccxt does of them.
_OWN_CAUSES = frozenset({"AnswerTooLarge"})


class Unreadable(ExchangeDoubt):
    """An answer that is not what it should be: nothing is guessed from it."""


_REJECTED = RefusalCode.REJECTED_BY_EXCHANGE

# By the nearest class of ccxt: the code of the refusal, and whether a later try may succeed. What
# is not here, or is here as None, proves nothing.
_REFUSALS: Mapping[str, tuple[RefusalCode, bool] | None] = {
    "InsufficientFunds": (RefusalCode.INSUFFICIENT_FUNDS, True),
    "OrderNotFound": None,
    "OrderNotCached": None,
    "DuplicateOrderId": None,
    "OrderImmediatelyFillable": (_REJECTED, True),
    "OrderNotFillable": (_REJECTED, True),
    "InvalidOrder": (_REJECTED, False),
    "BadSymbol": (RefusalCode.UNKNOWN_SYMBOL, False),
    "BadRequest": (_REJECTED, False),
    "ArgumentsRequired": (_REJECTED, False),
    "NotSupported": (RefusalCode.UNSUPPORTED, False),
    "AuthenticationError": (_REJECTED, False),
    "MarketClosed": (_REJECTED, True),
    "OperationRejected": (_REJECTED, False),
    "OnMaintenance": (RefusalCode.EXCHANGE_UNAVAILABLE, True),
    "RateLimitExceeded": (RefusalCode.RATE_LIMITED, True),
    "DDoSProtection": (RefusalCode.RATE_LIMITED, True),
    "InvalidNonce": (_REJECTED, True),
    "ChecksumError": None,
}
# What the words of a plain no tell beyond ccxt's class: the code, and the field it is about.
_WORDS: tuple[tuple[re.Pattern[str], RefusalCode, str], ...] = (
    (
        re.compile(r"notional|minimum (order|not met)|cost minimum|lower limit", re.IGNORECASE),
        RefusalCode.MIN_NOTIONAL,
        "amount",
    ),
    (
        re.compile(r"would trigger immediately", re.IGNORECASE),
        RefusalCode.INVALID_INPUT,
        "triggerPrice",
    ),
)
# What the names of ccxt mean to a person.
_PLAINLY = {
    "ExchangeNotAvailable": "it is out of reach or out of service",
    "RequestTimeout": "it took too long",
    "NetworkError": "the connection broke",
    "ExchangeError": "its answer cannot be read",
    "OnMaintenance": "it is under maintenance",
    "BadResponse": "its answer cannot be read",
}
_BANS = frozenset({"RateLimitExceeded", "DDoSProtection"})
_ANSWERS = _BANS | {"InvalidNonce"}


def failure_of_create(error: Exception) -> ExchangeError:
    """What an order's failure proves: refused, never sent, or nothing at all."""
    if isinstance(error, ExchangeError):
        return error
    if was_never_sent(error):
        return ExchangeUnavailable("no connection to the exchange could be made")
    refusal = _refusal(error)
    if refusal is not None:
        return ExchangeRejected(refusal)
    return ExchangeDoubt(f"no clear answer to the order: {_described(error)}")


def failure_of_read(error: Exception) -> ExchangeError:
    """Why a question has no answer; a question can be asked again."""
    if isinstance(error, ExchangeError):
        return error
    if was_never_sent(error):
        return ExchangeUnavailable("no connection to the exchange could be made")
    return ExchangeDoubt(f"no answer from the exchange: {_described(error)}")


def was_never_sent(error: BaseException) -> bool:
    return error.__cause__ is not None and bool(_names(error.__cause__) & _NEVER_SENT)


def is_unparsable(error: BaseException) -> bool:
    """Whether ccxt itself stumbled over what the exchange said."""
    return not isinstance(error, ExchangeError) and not _kinds(error)


def is_ban(error: Exception) -> bool:
    """Whether the exchange wants to be left alone for a while."""
    return bool(_kinds(error) & _BANS) and not _says_revoked(error)


def key_words(error: BaseException) -> str | None:
    """What to look at where the exchange refuses the key; None where that is not the trouble."""
    if error.__cause__ is not None:
        return None
    if "AuthenticationError" not in _kinds(error) and not _says_revoked(error):
        return None
    return (
        f"the exchange refuses the key ({words_of(error)}): look at the key, the secret, the"
        " addresses that the key is bound to, and its permission for spot trading"
    )


def is_unsupported(error: BaseException) -> bool:
    """Whether ccxt has no way to ask for that there."""
    return "NotSupported" in _kinds(error)


def is_clock_off(error: Exception) -> bool:
    return "InvalidNonce" in _kinds(error)


def is_unanswered(error: Exception) -> bool:
    """Whether the trouble is with the line or the exchange as a whole, not with what was asked."""
    kinds = _kinds(error)
    return error.__cause__ is not None or ("NetworkError" in kinds and not kinds & _ANSWERS)


def is_market_unknown(error: BaseException) -> bool:
    """Whether there is no such market, or no more."""
    return "BadSymbol" in _kinds(error)


def is_order_unknown(error: Exception) -> bool:
    """Whether the exchange says that it has no such order, or none that still waits."""
    return "InvalidOrder" in _kinds(error) and error.__cause__ is None


def is_order_missing(error: Exception) -> bool:
    """Whether the exchange says that it has no such order."""
    return "OrderNotFound" in _kinds(error) and error.__cause__ is None


def words_of(error: BaseException) -> str:
    """What the exchange said, short, and without addresses, keys and signatures."""
    raw = str(error)
    if _PAGE.search(raw):
        return "a page instead of an answer"
    words = _SECRET.sub("…", _ADDRESS.sub("", _said(raw) or raw))
    return " ".join(words.split())[:MAX_WORDS] or type(error).__name__


def _refusal(error: Exception) -> Refusal | None:
    """The exchange's no, where it surely is one: an answer, and of a kind that places nothing."""
    if error.__cause__ is not None or _PLACED_ALREADY.search(str(error)):
        return None
    known = next((name for name in _lineage(error) if name in _REFUSALS), None)
    verdict = None if known is None else _REFUSALS[known]
    if verdict is None:
        return None
    code, is_retryable = verdict
    if code is RefusalCode.RATE_LIMITED and _says_revoked(error):
        code, is_retryable = _REJECTED, False
    message = key_words(error) or f"the exchange said no: {words_of(error)}"
    told = next((known for known in _WORDS if known[0].search(str(error))), None)
    if code is _REJECTED and told is not None:
        return Refusal(code=told[1], message=message, field=(told[2],))
    return Refusal(code=code, message=message, retryable=is_retryable)


def _says_revoked(error: BaseException) -> bool:
    """A key that has worked and no longer does looks to ccxt like a ban."""
    return _REVOKED.search(str(error)) is not None


def _described(error: Exception) -> str:
    cause = error.__cause__
    told = error if cause is None or not _names(cause) & _OWN_CAUSES else cause
    name, words = type(error).__name__, words_of(told)
    # Where ccxt has nothing to add, its words are the name of the exchange.
    added = f" ({words})" if " " in words else ""
    return f"{_PLAINLY.get(name, name)}{added}"


def _lineage(error: BaseException) -> list[str]:
    """The classes of ccxt that it is of, the nearest first; none where it is not ccxt's."""
    return [one.__name__ for one in type(error).__mro__ if one.__module__.startswith("ccxt.")]


def _kinds(error: BaseException) -> frozenset[str]:
    return frozenset(_lineage(error))


def _names(error: BaseException) -> frozenset[str]:
    return frozenset(one.__name__ for one in type(error).__mro__)


def _said(raw: str) -> str | None:
    """The message in the JSON that stands in an error's text."""
    start = raw.find("{")
    if start < 0:
        return None
    try:
        body = orjson.loads(raw[start : raw.rfind("}") + 1])
    except orjson.JSONDecodeError:
        return None
    return _message_in(body)


def _message_in(body: object) -> str | None:
    if isinstance(body, str):
        return body or None
    if isinstance(body, list):
        return _first_message(body)
    if not isinstance(body, Mapping):
        return None
    return _first_message(body[key] for key in _SPEAKS if key in body) or _message_in(
        body.get("data")
    )


def _first_message(bodies: Iterable[object]) -> str | None:
    return next((found for one in bodies if (found := _message_in(one))), None)
