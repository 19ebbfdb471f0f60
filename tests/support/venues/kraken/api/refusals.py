"""Kraken's errors: texts in a list beside no result, mostly with HTTP status 200."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.venues.engine.declined import Declined, Why


@dataclass(kw_only=True, eq=False)
class Refused(Exception):
    word: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.word

    @property
    def body(self) -> dict[str, object]:
        return {"error": [self.word]}


def invalid_key() -> Refused:
    return Refused(word="EAPI:Invalid key")


def invalid_signature() -> Refused:
    return Refused(word="EAPI:Invalid signature")


def invalid_nonce() -> Refused:
    return Refused(word="EAPI:Invalid nonce")


def permission_denied() -> Refused:
    return Refused(word="EGeneral:Permission denied")


def rate_limit_exceeded() -> Refused:
    return Refused(word="EAPI:Rate limit exceeded")


def order_rate_limit_exceeded() -> Refused:
    """The matching engine's own limit, of one market."""
    return Refused(word="EOrder:Rate limit exceeded")


def invalid_arguments(name: str = "") -> Refused:
    return Refused(word="EGeneral:Invalid arguments" + (f":{name}" if name else ""))


def unknown_pair() -> Refused:
    return Refused(word="EQuery:Unknown asset pair")


def unknown_order() -> Refused:
    return Refused(word="EOrder:Unknown order")


def order_minimum_not_met() -> Refused:
    return Refused(word="EOrder:Order minimum not met")


def cost_minimum_not_met() -> Refused:
    return Refused(word="EOrder:Cost minimum not met")


def tick_size_check_failed() -> Refused:
    return Refused(word="EOrder:Tick size check failed")


def market_closed() -> Refused:
    return Refused(word="EService:Market in cancel_only mode")


def invalid_session() -> Refused:
    return Refused(word="ESession:Invalid session")


def of_the_engine(declined: Declined) -> Refused:
    """Kraken's words for it."""
    match declined.why:
        case Why.DUPLICATE_ID:
            return Refused(word="EOrder:Duplicate cl_ord_id")
        case Why.INSUFFICIENT_FUNDS:
            return Refused(word="EOrder:Insufficient funds")
        case Why.TOO_SMALL:
            return order_minimum_not_met()
        case Why.WOULD_TAKE:
            return Refused(word="EOrder:Post only order")
        case Why.WOULD_TRIGGER:
            return Refused(word="EOrder:Invalid price")
