"""Changing an order in place on a real exchange: what it is now, and whether it may become that."""

from dataclasses import dataclass, replace
from decimal import Decimal

from app.domain import money
from app.domain.orders.market_checks import MarketFacts
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderDetails, OrderIntent, OrderReport, ReportedTerms
from app.domain.orders.terms import AmendableTerms
from app.errors import ExchangeRejected, Refusal, RefusalCode
from app.exchanges.ccxt.connection.calls import Call, amending
from app.exchanges.ccxt.connection.exchange_quirks import ExchangeQuirks
from app.exchanges.ccxt.parsing.order_terms import Row
from app.exchanges.ccxt.rest.prechecks import refuse


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingAmendment:
    """An order as the exchange just told it, and the terms that it should have."""

    row: Row
    report: OrderReport
    wanted: AmendableTerms

    @property
    def is_done(self) -> bool:
        """Exchanges refuse a change that changes nothing; for us it is a success."""
        terms = self.report.terms
        return self.report.status.is_open and terms is not None and terms.terms == self.wanted

    @property
    def is_cut(self) -> bool:
        """Whether nothing would be left to wait for: that is a cancel."""
        return money.ZERO < self._filled == self.wanted.amount

    @property
    def _filled(self) -> Decimal:
        return self.report.filled or money.ZERO

    def call(self, facts: MarketFacts, quirks: ExchangeQuirks) -> Call:
        """What has to be asked; raises ExchangeRejected where it must not be."""
        if not self.report.status.is_open:
            raise ExchangeRejected(_closed(self.report.status))
        if self.report.terms is None or self.report.details is None:
            raise ExchangeRejected(no_amending(quirks.exchange))
        if self.is_cut:
            return Call(method="cancel_order", arguments=(self.row["id"], self.row["symbol"]))
        if self.wanted.amount < self._filled:
            raise ExchangeRejected(_below(self._filled))
        details = self.report.details
        refusal = refuse(_as_intent(details, self.wanted), facts)
        if refusal is not None:
            raise ExchangeRejected(refusal)
        return amending(self.row, details, self.wanted, quirks)

    def told(self, after: OrderReport) -> OrderReport:
        """Cut to what is filled, it has these terms, though the exchange keeps the old ones."""
        is_cut = after.status is OrderStatus.CANCELED and after.filled == self.wanted.amount
        if not (self.is_cut and is_cut):
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
