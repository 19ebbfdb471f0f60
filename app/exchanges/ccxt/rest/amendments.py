"""PendingAmendment: amends an order in place on a real exchange, if its current state allows."""

from dataclasses import dataclass, replace
from decimal import Decimal

from app.domain import money
from app.domain.order_kinds import OrderType
from app.domain.orders.market_checks import MarketFacts
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderDetails, OrderIntent, OrderReport, ReportedTerms
from app.domain.orders.terms import AmendableTerms
from app.errors import ExchangeRejected, Refusal, RefusalCode
from app.exchanges.ccxt.connection.calls import Call, amending
from app.exchanges.ccxt.parsing.order_terms import Row
from app.exchanges.ccxt.rest.prechecks import refuse
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingAmendment:
    """An order as the exchange just reported it, and the terms that it should get."""

    row: Row
    report: OrderReport
    wanted: AmendableTerms

    @property
    def is_done(self) -> bool:
        """Whether the order has the terms already: exchanges refuse that, we call it a success."""
        terms = self.report.terms
        return self.report.status.is_open and terms is not None and terms.terms == self.wanted

    @property
    def is_cut(self) -> bool:
        """Whether the new amount is what is filled: nothing would stay open, so it is a cancel."""
        return money.ZERO < self._filled == self.wanted.amount

    @property
    def _filled(self) -> Decimal:
        return self.report.filled or money.ZERO

    def call(self, facts: MarketFacts, quirks: ExchangeQuirks) -> Call:
        """The call to make. Raises ExchangeRejected if the order must not be amended so."""
        if not self.report.status.is_open:
            raise ExchangeRejected(_closed(self.report.status))
        details = self.report.details
        if self.report.terms is None or details is None or details.type is OrderType.OTHER:
            raise ExchangeRejected(no_amending(quirks.exchange))
        if self.is_cut:
            return Call(method="cancel_order", arguments=(self.row["id"], self.row["symbol"]))
        if self.wanted.amount < self._filled:
            raise ExchangeRejected(_below(self._filled))
        refusal = refuse(_as_intent(details, self.wanted), facts)
        if refusal is not None:
            raise ExchangeRejected(refusal)
        return amending(self.row, details, self.wanted, quirks)

    def with_wanted_terms(self, after: OrderReport) -> OrderReport:
        """An order cut to its fills gets the wanted terms; the exchange keeps the old ones."""
        was_cut = after.status is OrderStatus.CANCELED and after.filled == self.wanted.amount
        if not (self.is_cut and was_cut):
            return after
        return replace(after, terms=ReportedTerms(version=None, terms=self.wanted))


def no_amending(exchange: str) -> Refusal:
    message = f"{exchange} cannot change this order in place: cancel it and place another"
    return Refusal(code=RefusalCode.UNSUPPORTED, message=message)


def _closed(status: OrderStatus) -> Refusal:
    message = f"the order is {status} and can no longer be amended"
    return Refusal(code=RefusalCode.ALREADY_CLOSED, message=message)


def _below(filled: Decimal) -> Refusal:
    message = f"amount is the new total and must be at least {money.plain(filled)}, which is filled"
    return Refusal(code=RefusalCode.INVALID_INPUT, message=message, field=("amount",))


def _as_intent(details: OrderDetails, terms: AmendableTerms) -> OrderIntent:
    """The order as it would be placed with these terms."""
    return OrderIntent(wire_id="amended", symbol=details.symbol, terms=details.with_terms(terms))
