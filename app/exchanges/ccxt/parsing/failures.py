"""Classification of ccxt's exceptions: rejected, never sent, or (if unknown) in doubt."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import orjson

from app.errors import (
    ExchangeDoubt,
    ExchangeError,
    ExchangeRejected,
    ExchangeUnavailable,
    Refusal,
    RefusalCode,
)
from app.exchanges.ccxt.parsing.error_codes import NO_CODES, ErrorCodes

MAX_WORDS = 160
# How much of an answer is looked at: an exchange's own messages are much shorter, and the page of
# a proxy has no end.
MAX_READ = 64 * 1024
# How much of a text without a message in JSON is searched for addresses and secrets.
_MAX_PROSE = 2048
# How deep in its JSON a message may be.
_MAX_DEPTH = 10

_PLACED_ALREADY = re.compile(r"duplicat|already (exist|used)|repeated", re.IGNORECASE)
_REVOKED = re.compile(r"-2015|invalid api.?key|EAPI:Invalid (key|signature)", re.IGNORECASE)
_PAGE = re.compile(r"<(!doctype|html|head|body)", re.IGNORECASE)
_METHOD = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE)\b")
# A code of capital words is none, however long it is.
_SECRET = re.compile(r"(?<![A-Z_])(?!(?:[A-Z]+_)+[A-Z]+\b)[A-Za-z0-9+/=_\-]{32,}")
_MESSAGE_KEYS = (
    "msg", "retMsg", "sMsg", "message", "preview_failure_reason", "error", "errors",
    "error_response",
)  # fmt: skip

# No connection was made, so the request cannot have left.
_NEVER_SENT = frozenset(
    {"ClientConnectorError", "ClientConnectorDNSError", "ConnectionTimeoutError", "gaierror"}
)
# Our own exceptions; their text says more than ccxt's wrapper.
_OWN_CAUSES = frozenset({"AnswerTooLarge"})


class Unreadable(ExchangeDoubt):
    """A malformed response. Nothing is guessed from it."""


_REJECTED = RefusalCode.REJECTED_BY_EXCHANGE

# For the nearest ccxt class: the refusal code, and whether a retry may succeed. A class that is
# missing here, or maps to None, proves nothing.
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
# What the text of a rejection says beyond ccxt's class: the code, and the field it is about.
_WORDS: tuple[tuple[re.Pattern[str], RefusalCode, str], ...] = (
    (
        re.compile(
            r"notional|minimum (order|not met)|order size .* too small|cost minimum|lower limit"
            r"|funds should",
            re.IGNORECASE,
        ),
        RefusalCode.MIN_NOTIONAL,
        "amount",
    ),
    (
        re.compile(r"would trigger immediately", re.IGNORECASE),
        RefusalCode.INVALID_INPUT,
        "triggerPrice",
    ),
)
# Kraken's refusals of an order that ccxt has no class for: it names the rule that was broken.
_PLAIN_REFUSALS = re.compile(
    r"EAPI:Invalid signature|EOrder:(Post only|Cannot open|Margin|Insufficient|Invalid price"
    r"|Order minimum|Cost minimum|Tick size|Orders limit|Positions limit|Scheduled orders"
    r"|Trading agreement|Reduce only)",
    re.IGNORECASE,
)
_UNKNOWN_MARKET = re.compile(r"EQuery:Unknown asset pair", re.IGNORECASE)
# Kraken's limit of orders in one market, which is no reason to pause with everything else.
_OF_ONE_MARKET = re.compile(r"EOrder:Rate limit", re.IGNORECASE)
# ccxt's class names in plain words.
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


def failure_of_create(error: Exception, codes: ErrorCodes = NO_CODES) -> ExchangeError:
    """What a failed create proves: rejected, never sent (ExchangeUnavailable), or nothing."""
    if isinstance(error, ExchangeError):
        return error
    if was_never_sent(error):
        return ExchangeUnavailable("no connection to the exchange could be made")
    code = codes.told_by(error, most=MAX_READ)
    refusal = None
    if code not in codes.prove_nothing:
        refusal = _by_code(code, codes, error) or _refusal(error)
    if refusal is not None:
        may_be_late = codes.clock_looks_like_key and key_words(error) is not None
        return ExchangeRejected(replace(refusal, retryable=True) if may_be_late else refusal)
    return ExchangeDoubt(f"no clear answer to the order: {_described(error)}")


def failure_of_read(error: Exception) -> ExchangeError:
    """Why a read failed; a read can be repeated."""
    if isinstance(error, ExchangeError):
        return error
    if was_never_sent(error):
        return ExchangeUnavailable("no connection to the exchange could be made")
    return ExchangeDoubt(f"no answer from the exchange: {_described(error)}")


def was_never_sent(error: BaseException) -> bool:
    return error.__cause__ is not None and bool(_names(error.__cause__) & _NEVER_SENT)


def is_unparsable(error: BaseException) -> bool:
    """Whether ccxt itself crashed while parsing the response."""
    return not isinstance(error, ExchangeError) and not _kinds(error)


def is_ban(error: Exception) -> bool:
    """Whether the exchange asked us to stop sending requests for a while."""
    is_narrow = _OF_ONE_MARKET.search(_text(error)) is not None
    return bool(_kinds(error) & _BANS) and not _says_revoked(error) and not is_narrow


def key_words(error: BaseException) -> str | None:
    """What to check if the exchange refuses the key; None if the key is not the problem."""
    if error.__cause__ is not None:
        return None
    if "AuthenticationError" not in _kinds(error) and not _says_revoked(error):
        return None
    return (
        f"the exchange refuses the key ({words_of(error)}): look at the key, the secret, the"
        " addresses that the key is bound to, and its permission for spot trading"
    )


def is_unsupported(error: BaseException) -> bool:
    """Whether ccxt does not offer this call at this exchange."""
    return "NotSupported" in _kinds(error)


def is_clock_off(error: Exception) -> bool:
    return "InvalidNonce" in _kinds(error)


def is_unanswered(error: Exception) -> bool:
    """Whether the connection or the whole exchange failed, rather than this one request."""
    kinds = _kinds(error)
    return error.__cause__ is not None or ("NetworkError" in kinds and not kinds & _ANSWERS)


def is_market_unknown(error: BaseException) -> bool:
    """Whether the market does not exist, or no longer does."""
    return "BadSymbol" in _kinds(error) or _UNKNOWN_MARKET.search(_text(error)) is not None


def is_order_unknown(error: Exception) -> bool:
    """Whether the exchange says that it has no such order, or that it is no longer open."""
    return "InvalidOrder" in _kinds(error) and error.__cause__ is None


def is_order_missing(error: Exception) -> bool:
    """Whether the exchange says that it has no such order."""
    return "OrderNotFound" in _kinds(error) and error.__cause__ is None


def says_one_of(error: BaseException, words: Iterable[str]) -> bool:
    """Whether the exchange answered with one of these texts."""
    return error.__cause__ is None and any(word in _text(error) for word in words)


def words_of(error: BaseException) -> str:
    """The exchange's message, short, and without addresses, keys and signatures."""
    raw = _text(error)
    if _PAGE.search(raw):
        return "a page instead of an answer"
    prose = _whole_words(_json_message(raw) or raw)
    words = (word for word in prose.split() if "://" not in word)
    plain = _SECRET.sub("…", _METHOD.sub("", " ".join(words)))
    return " ".join(plain.split())[:MAX_WORDS] or type(error).__name__


def _text(error: BaseException) -> str:
    return str(error)[:MAX_READ]


def _whole_words(text: str) -> str:
    """Its beginning, without a last word that is cut: a part of a secret does not look like one."""
    if len(text) <= _MAX_PROSE:
        return text
    return text[:_MAX_PROSE].rpartition(" ")[0]


def _refusal(error: Exception) -> Refusal | None:
    """The rejection, if it certainly is one: a response, of a kind that places no order."""
    # An endless answer is not read to its end, where it may say that the order was placed.
    if error.__cause__ is not None or len(str(error)) > MAX_READ:
        return None
    if _PLACED_ALREADY.search(_text(error)):
        return None
    known = next((name for name in _lineage(error) if name in _REFUSALS), None)
    verdict = _plain_refusal(_text(error)) if known is None else _REFUSALS[known]
    if verdict is None:
        return None
    code, is_retryable = verdict
    if code is RefusalCode.RATE_LIMITED and _says_revoked(error):
        code, is_retryable = _REJECTED, False
    message = key_words(error) or f"the exchange said no: {words_of(error)}"
    matched = next((row for row in _WORDS if row[0].search(_text(error))), None)
    if code is _REJECTED and matched is not None:
        return Refusal(code=matched[1], message=message, field=(matched[2],))
    return Refusal(code=code, message=message, retryable=is_retryable)


def _by_code(code: str | None, codes: ErrorCodes, error: Exception) -> Refusal | None:
    """The rejection that the exchange's own code is, whatever class ccxt has for it."""
    message = f"the exchange said no: {words_of(error)}"
    if code in codes.slow_down:
        return Refusal(code=RefusalCode.RATE_LIMITED, message=message, retryable=True)
    if code in codes.lack_money:
        return Refusal(code=RefusalCode.INSUFFICIENT_FUNDS, message=message, retryable=True)
    if code in codes.too_small:
        return Refusal(code=RefusalCode.MIN_NOTIONAL, message=message, field=("amount",))
    return Refusal(code=_REJECTED, message=message) if code in codes.refuse else None


def _plain_refusal(text: str) -> tuple[RefusalCode, bool] | None:
    """What Kraken's own words prove where ccxt's class says nothing."""
    if _UNKNOWN_MARKET.search(text):
        return RefusalCode.UNKNOWN_SYMBOL, False
    return (_REJECTED, False) if _PLAIN_REFUSALS.search(text) else None


def _says_revoked(error: BaseException) -> bool:
    """Whether the key was revoked: ccxt classes a key that stops working as a ban."""
    return _REVOKED.search(_text(error)) is not None


def _described(error: Exception) -> str:
    cause = error.__cause__
    source = error if cause is None or not _names(cause) & _OWN_CAUSES else cause
    name, words = type(error).__name__, words_of(source)
    # If ccxt has nothing to add, its text is the name of the exchange.
    added = f" ({words})" if " " in words else ""
    return f"{_PLAINLY.get(name, name)}{added}"


def _lineage(error: BaseException) -> list[str]:
    """The error's ccxt classes, nearest first; empty if it is not a ccxt error."""
    return [kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("ccxt.")]


def _kinds(error: BaseException) -> frozenset[str]:
    return frozenset(_lineage(error))


def _names(error: BaseException) -> frozenset[str]:
    return frozenset(kind.__name__ for kind in type(error).__mro__)


def _json_message(raw: str) -> str | None:
    """The message in the JSON embedded in an error's text; None if there is none."""
    return _message_in(_json_in(raw))


def _json_in(raw: str) -> object:
    """The JSON embedded in an error's text; None if there is none."""
    start = raw.find("{")
    if start < 0:
        return None
    try:
        body: object = orjson.loads(raw[start : raw.rfind("}") + 1])
    except orjson.JSONDecodeError:
        return None
    return body


def _message_in(body: object, depth: int = _MAX_DEPTH) -> str | None:
    if isinstance(body, str):
        return body or None
    if not depth:
        return None
    if isinstance(body, list):
        return _first_message(body, depth)
    if not isinstance(body, Mapping):
        return None
    # What is said of the one order says more than what is said of the whole request.
    data = body.get("data")
    rows = [row for row in data if isinstance(row, Mapping)] if isinstance(data, list) else []
    own = (row.get("sMsg") for row in rows)
    named = (body[key] for key in _MESSAGE_KEYS if key in body)
    return _first_message([*own, *named], depth) or _message_in(data, depth - 1)


def _first_message(bodies: Iterable[object], depth: int) -> str | None:
    found = (_message_in(body, depth - 1) for body in bodies)
    return next((message for message in found if message), None)
