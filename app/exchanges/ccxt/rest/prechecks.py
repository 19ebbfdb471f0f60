"""Checks before an order is sent to a real exchange, and SentIds, which stops a second send."""

from collections.abc import Iterator

from app.domain.order_kinds import OrderSide, PositionType
from app.domain.orders.forms import examine_shape, listed
from app.domain.orders.market_checks import MarketFacts, examine_steps
from app.domain.orders.reports import OrderIntent
from app.errors import ExchangeDoubt, Refusal, RefusalCode
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks, spending_words
from app.primitives.recent_dict import RecentDict

_KEPT_IDS = 10_000


class SentIds:
    """The wire ids already sent: an exchange might accept a second order under the same id."""

    def __init__(self) -> None:
        self._sent: RecentDict[str, None] = RecentDict(_KEPT_IDS)

    def take(self, wire_id: str) -> None:
        """Claim the id. Raises ExchangeDoubt the second time: the first order may well exist."""
        if wire_id in self._sent:
            raise ExchangeDoubt("an order was sent under this id before: look it up")
        self._sent[wire_id] = None

    def give_back(self, wire_id: str) -> None:
        """Release the id of an order that was certainly not sent."""
        self._sent.pop(wire_id, None)


def refuse(intent: OrderIntent, facts: MarketFacts) -> Refusal | None:
    """The first reason to refuse the order, of those that need no price."""
    return next(_refusals(intent, facts), None)


def only_prices() -> Refusal:
    message = "no orders are placed on an account that has only prices"
    return Refusal(code=RefusalCode.UNSUPPORTED, message=message)


def spends_money(intent: OrderIntent, quirks: ExchangeQuirks) -> Refusal | None:
    """Refuse what an account would misread that takes the amount of a market buy for money."""
    if intent.type.has_price or intent.side is not OrderSide.BUY:
        return None
    return _refusal(RefusalCode.UNSUPPORTED, spending_words(quirks), "type")


def _refusals(intent: OrderIntent, facts: MarketFacts) -> Iterator[Refusal]:
    market = facts.markets.get(intent.symbol)
    if market is None:
        yield _refusal(
            RefusalCode.UNKNOWN_SYMBOL, f"the exchange lists no {intent.symbol}", "symbol"
        )
        return
    if market.type is not PositionType.SPOT:
        yield _refusal(RefusalCode.UNSUPPORTED, "only spot orders are placed", "symbol")
    if intent.reduce_only and intent.side is OrderSide.BUY:
        words = "on a spot market only a SELL can be reduceOnly"
        yield _refusal(RefusalCode.REJECTED_BY_EXCHANGE, words, "reduceOnly")
    yield from _unoffered(intent, facts)
    for checked in (*examine_shape(intent), *examine_steps(intent, facts)):
        if checked.refusal is not None:
            yield checked.refusal


def _unoffered(intent: OrderIntent, facts: MarketFacts) -> Iterator[Refusal]:
    types, times_in_force = facts.capabilities.order_types, facts.capabilities.time_in_force
    if intent.type not in types:
        words = f"the exchange takes no {intent.type} orders here, but {listed(types)}"
        yield _refusal(RefusalCode.UNSUPPORTED, words, "type")
    # Only limit orders have a time in force.
    if intent.type.has_price and intent.time_in_force not in times_in_force:
        offered = listed(times_in_force)
        words = f"the exchange takes no {intent.time_in_force} orders here, but {offered}"
        yield _refusal(RefusalCode.UNSUPPORTED, words, "timeInForce")


def _refusal(code: RefusalCode, message: str, field: str) -> Refusal:
    return Refusal(code=code, message=message, field=(field,))
