from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import money
from app.domain.fills import Fee, Fill
from app.domain.orders import changes, refusals
from app.domain.orders.changes import Change, TransitionForbidden, received
from app.domain.orders.order import TRANSITIONS, Order, OrderStatus, OrderUpdateKind
from app.domain.orders.reports import FillReport, OrderReport, ReportedTerms
from app.domain.orders.terms import AmendableTerms
from app.errors import Refusal, RefusalCode
from tests.support.makers import AT, counting_ids, make_order, make_report, make_terms, make_trade

KINDS = OrderUpdateKind
STATUSES = OrderStatus


class Book:
    """An order and its fills, as the ledger would keep them."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.fills: list[Fill] = []
        self.steps: list[Change] = []
        self.new_id = counting_ids()

    def receive(self, report: OrderReport) -> list[Change]:
        steps = received(self.order, self.fills, report, at=AT, new_id=self.new_id)
        for step in steps:
            gone = {fill.id for fill in step.superseded}
            self.fills = [fill for fill in self.fills if fill.id not in gone] + list(step.added)
            anew = {fill.id: fill for fill in step.recharged}
            self.fills = [anew.get(fill.id, fill) for fill in self.fills]
            self.order = step.event.order
        self.steps += steps
        return steps

    @property
    def kinds(self) -> list[OrderUpdateKind]:
        return [step.event.kind for step in self.steps]


def test_one_answer_with_two_trades_becomes_one_event_a_fact() -> None:
    book = Book(make_order())
    book.receive(make_report(STATUSES.FILLED, make_trade(2, "0.6"), make_trade(1, "0.4")))
    assert book.kinds == [KINDS.ACCEPTED, KINDS.FILL, KINDS.FILL]
    assert [step.event.order.status for step in book.steps] == [
        STATUSES.OPEN,
        STATUSES.PARTIALLY_FILLED,
        STATUSES.FILLED,
    ]
    assert [step.event.order.revision for step in book.steps] == [2, 3, 4]
    assert [fill.exchange_trade_id for fill in book.fills] == ["1", "2"]


def test_an_order_in_doubt_that_is_found_is_resolved() -> None:
    book = Book(make_order(status=STATUSES.IN_DOUBT))
    book.receive(make_report(STATUSES.CANCELED))
    assert book.kinds == [KINDS.RESOLVED, KINDS.CANCELED]


def test_the_same_report_twice_says_nothing_new() -> None:
    book = Book(make_order())
    report = make_report(STATUSES.PARTIALLY_FILLED, make_trade(1, "0.4"), filled=Decimal("0.4"))
    book.receive(report)
    assert book.receive(report) == []


def test_totals_without_trades_become_a_synthesized_fill_and_real_trades_replace_it() -> None:
    book = Book(make_order())
    book.receive(
        make_report(STATUSES.PARTIALLY_FILLED, filled=Decimal("0.5"), cost=Decimal("49.5"))
    )
    (guessed,) = book.fills
    assert guessed.is_synthesized
    assert (guessed.amount, guessed.price, guessed.cost) == (
        Decimal("0.5"),
        Decimal(99),
        Decimal("49.5"),
    )
    book.receive(make_report(STATUSES.PARTIALLY_FILLED, make_trade(1, "0.2", "99")))
    assert book.kinds[-1] is KINDS.CORRECTED
    assert book.order.filled == Decimal("0.5")
    assert book.order.cost == Decimal("49.5")
    book.receive(make_report(STATUSES.PARTIALLY_FILLED, make_trade(2, "0.3", "99")))
    assert [fill.exchange_trade_id for fill in book.fills] == ["1", "2"]
    assert book.order.filled == Decimal("0.5")


def told_by_list(number: int, fee: Fee | None) -> FillReport:
    return replace(make_trade(number, "0.5"), fee=fee, is_fee_final=True)


@pytest.mark.parametrize("status", [STATUSES.PARTIALLY_FILLED, STATUSES.CANCELED])
def test_another_fee_of_a_known_trade_in_the_list_of_trades_is_corrected_once(
    status: OrderStatus,
) -> None:
    book = Book(make_order())
    rebate = replace(make_trade(1, "0.5"), fee=Fee(currency="USDT", amount=Decimal("-0.1")))
    book.receive(make_report(status, rebate, filled=Decimal("0.5")))
    [before] = book.fills
    charge = Fee(currency="USDT", amount=Decimal("0.1"))
    report = make_report(status, told_by_list(1, charge), filled=Decimal("0.5"))
    [step] = book.receive(report)
    assert (step.event.kind, step.event.previous_status) == (KINDS.CORRECTED, status)
    assert step.event.fill == book.fills[0]
    assert (book.order.status, book.order.fees) == (status, (charge,))
    assert book.fills == [replace(before, fee=charge, fee_revision=book.order.revision)]
    assert book.receive(report) == []


def test_a_fee_in_another_currency_is_valued_anew() -> None:
    book = Book(make_order())
    book.receive(make_report(STATUSES.PARTIALLY_FILLED, make_trade(1, "0.5")))
    book.fills = [replace(book.fills[0], fee_value=Decimal(7))]
    fee = Fee(currency="BNB", amount=Decimal("0.1"))
    book.receive(make_report(STATUSES.PARTIALLY_FILLED, told_by_list(1, fee)))
    assert (book.fills[0].fee, book.fills[0].fee_value) == (fee, None)


def test_neither_a_stream_nor_a_list_without_a_fee_corrects_one() -> None:
    book = Book(make_order())
    book.receive(make_report(STATUSES.PARTIALLY_FILLED, make_trade(1, "0.5")))
    other = Fee(currency="USDT", amount=Decimal(9))
    streamed = replace(make_trade(1, "0.5"), fee=other)
    assert book.receive(make_report(STATUSES.PARTIALLY_FILLED, streamed)) == []
    assert book.receive(make_report(STATUSES.PARTIALLY_FILLED, told_by_list(1, None))) == []


def test_a_late_fill_after_cancel_is_recorded_and_can_fill_the_order() -> None:
    book = Book(make_order())
    book.receive(make_report(STATUSES.CANCELED))
    closed_at = book.order.closed_at
    book.receive(make_report(STATUSES.OPEN, make_trade(1, "0.4")))
    assert book.order.filled == Decimal("0.4")
    book.receive(make_report(STATUSES.CANCELED, make_trade(2, "0.6")))
    assert [step.event.order.status for step in book.steps[-3:]] == [
        STATUSES.CANCELED,
        STATUSES.CANCELED,
        STATUSES.FILLED,
    ]
    assert book.order.closed_at == closed_at


REFUSALS = [
    Refusal(code=RefusalCode.INSUFFICIENT_FUNDS, message="no"),
    Refusal(code=RefusalCode.REJECTED_BY_EXCHANGE, message="order creation timeout"),
    refusals.never_arrived(),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal.code))
@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        (STATUSES.OPEN, [KINDS.RESOLVED]),
        (STATUSES.CANCELED, [KINDS.RESOLVED, KINDS.CANCELED]),
        (STATUSES.EXPIRED, [KINDS.RESOLVED, KINDS.EXPIRED]),
    ],
)
def test_every_rejection_is_proved_wrong_by_an_exchange_that_has_the_order(
    refusal: Refusal, status: OrderStatus, kinds: list[OrderUpdateKind]
) -> None:
    book = Book(changes.rejected(make_order(), refusal, AT).event.order)
    steps = book.receive(make_report(status))
    assert book.kinds == kinds
    assert steps[0].event.reason == "the exchange has the order after all"
    assert (book.order.status, book.order.exchange_order_id) == (status, "7")
    assert book.order.refusal is None
    assert (book.order.closed_at is None) is status.is_open


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal.code))
def test_a_fill_of_a_rejected_order_is_booked(refusal: Refusal) -> None:
    book = Book(changes.rejected(make_order(), refusal, AT).event.order)
    book.receive(make_report(STATUSES.FILLED, make_trade(1, "1")))
    assert book.kinds == [KINDS.RESOLVED, KINDS.FILL]
    assert (book.order.status, book.order.filled) == (STATUSES.FILLED, Decimal(1))


def test_late_news_of_an_order_that_was_taken_and_then_rejected_leaves_it_rejected() -> None:
    book = Book(make_order())
    book.receive(make_report(STATUSES.REJECTED))
    assert (book.order.status, book.order.exchange_order_id) == (STATUSES.REJECTED, "7")
    for late in (STATUSES.OPEN, STATUSES.CANCELED):
        with pytest.raises(TransitionForbidden):
            book.receive(make_report(late, filled=Decimal(0)))
    assert book.receive(make_report(STATUSES.REJECTED)) == []


@pytest.mark.parametrize(
    "proof",
    [
        make_report(STATUSES.PARTIALLY_FILLED, make_trade(1, "0.4")),
        make_report(STATUSES.PARTIALLY_FILLED, filled=Decimal("0.4"), cost=Decimal(40)),
    ],
    ids=["a trade", "a total"],
)
def test_a_fill_proves_even_that_wrong(proof: OrderReport) -> None:
    book = Book(make_order())
    book.receive(make_report(STATUSES.OPEN))
    book.receive(make_report(STATUSES.REJECTED))
    book.receive(proof)
    assert (book.order.status, book.order.filled) == (STATUSES.PARTIALLY_FILLED, Decimal("0.4"))


def test_an_amendment_changes_the_terms_once_and_an_older_one_no_more() -> None:
    book = Book(make_order())
    book.receive(make_report(STATUSES.OPEN, terms=make_terms(2, Decimal(3), price=Decimal(90))))
    assert book.kinds == [KINDS.ACCEPTED, KINDS.AMENDED]
    assert (book.order.amount, book.order.price) == (Decimal(3), Decimal(90))
    assert book.order.status is STATUSES.OPEN
    for version in (0, 1, 2):
        late = make_terms(version, Decimal(7), price=Decimal(80))
        assert book.receive(make_report(STATUSES.OPEN, terms=late)) == []


def test_amending_down_to_what_is_filled_closes_as_canceled() -> None:
    book = Book(make_order())
    book.receive(make_report(STATUSES.PARTIALLY_FILLED, make_trade(1, "0.4")))
    cut = make_terms(1, Decimal("0.4"))
    report = make_report(STATUSES.CANCELED, filled=Decimal("0.4"), cost=Decimal(40), terms=cut)
    book.receive(report)
    assert book.kinds[-2:] == [KINDS.AMENDED, KINDS.CANCELED]
    assert (book.order.status, book.order.remaining) == (STATUSES.CANCELED, Decimal(0))
    again = Book(make_order())
    again.receive(report)
    again.receive(make_report(STATUSES.PARTIALLY_FILLED, make_trade(1, "0.4")))
    assert (again.order.status, again.order.remaining) == (STATUSES.CANCELED, Decimal(0))
    assert [fill.is_synthesized for fill in again.fills] == [False]


def test_terms_without_a_version_amend_what_is_open_and_never_what_is_closed() -> None:
    book = Book(make_order(amount=Decimal(1), price=Decimal(100)))
    terms = AmendableTerms(amount=Decimal("0.4"), price=Decimal(100), trigger_price=None)
    book.receive(make_report(STATUSES.OPEN, terms=ReportedTerms(version=None, terms=terms)))
    assert (book.order.amount, book.order.amendments) == (Decimal("0.4"), 1)
    book.receive(make_report(STATUSES.CANCELED))
    listed = ReportedTerms(version=None, terms=replace(terms, amount=Decimal(1)))
    assert book.receive(make_report(STATUSES.CANCELED, terms=listed)) == []
    assert book.order.amount == Decimal("0.4")


def test_terms_of_which_a_price_could_not_be_read_take_none_away() -> None:
    book = Book(make_order(amount=Decimal(1), price=Decimal(100)))
    terms = AmendableTerms(amount=Decimal("0.4"), price=None, trigger_price=None)
    reported = ReportedTerms(version=None, terms=terms)
    assert book.receive(make_report(STATUSES.PARTIALLY_FILLED, terms=reported)) != []
    assert (book.order.amount, book.order.price) == (Decimal(1), Decimal(100))
    assert book.order.amendments == 0


def test_a_cancel_wish_keeps_the_status_whatever_it_is() -> None:
    for status in STATUSES:
        if status.is_open:
            step = changes.cancel_requested(make_order(status=status), AT)
            assert step.event.order.status is status
            assert step.event.order.cancel_requested_at == AT


@pytest.mark.parametrize("before", [None, *OrderStatus])
def test_the_table_leads_from_every_state_somewhere_known(before: OrderStatus | None) -> None:
    assert TRANSITIONS[before] <= set(OrderStatus)
    assert STATUSES.SUBMITTING not in TRANSITIONS[before] or before is None


def test_nothing_leads_out_of_filled() -> None:
    filled = make_order(status=STATUSES.FILLED, filled=Decimal(1), cost=Decimal(100))
    with pytest.raises(TransitionForbidden):
        changes.doubted(filled, "lost", AT)


@st.composite
def exchange_stories(draw: st.DrawFn) -> tuple[Sequence[OrderReport], Decimal]:
    """What an exchange may say of one order, consistently: trades, amendments, then perhaps an end.

    Totals grow; each report tells the terms of its time, and the trades or none of them.
    """
    amount = asked = Decimal(draw(st.integers(1, 60)))
    trades: list[FillReport] = []
    filled, cost, version = money.ZERO, money.ZERO, 0
    status = STATUSES.OPEN
    reports = [make_report(status, terms=make_terms(0, amount))]
    for _ in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            amount, version = filled + Decimal(draw(st.integers(0, 40))), version + 1
            status = STATUSES.CANCELED if amount == filled else status
            if amount == 0:
                amount, status = Decimal(1), STATUSES.OPEN
        else:
            part = Decimal(draw(st.integers(1, int(amount - filled))))
            trade = make_trade(len(trades) + 1, str(part), str(draw(st.integers(90, 110))))
            trades.append(trade)
            filled, cost = filled + part, cost + part * trade.price
            status = STATUSES.FILLED if filled == amount else STATUSES.PARTIALLY_FILLED
        known = trades[: draw(st.integers(0, len(trades)))]
        terms = make_terms(version, amount, price=Decimal(100 + version))
        reports.append(make_report(status, *known, filled=filled, cost=cost, terms=terms))
        if not status.is_open:
            break
    if status.is_open and draw(st.booleans()):
        status = STATUSES.CANCELED
    terms = make_terms(version, amount, price=Decimal(100 + version))
    reports.append(make_report(status, *trades, filled=filled, cost=cost, terms=terms))
    return reports, asked


@given(story=exchange_stories(), random=st.randoms(use_true_random=False))
def test_applying_the_same_news_in_any_order_and_twice_ends_in_the_same_state(
    story: tuple[Sequence[OrderReport], Decimal], random: "object"
) -> None:
    reports, amount = story
    straight = Book(make_order(amount=amount))
    for report in reports:
        straight.receive(report)
    shuffled = [*reports, *reports]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    crooked = Book(make_order(amount=amount))
    for report in shuffled:
        crooked.receive(report)
    assert _outcome(crooked) == _outcome(straight)


@given(
    story=exchange_stories(),
    refusal=st.sampled_from(REFUSALS),
    random=st.randoms(use_true_random=False),
)
def test_an_order_that_was_rejected_by_mistake_ends_as_if_it_never_had_been(
    story: tuple[Sequence[OrderReport], Decimal], refusal: Refusal, random: "object"
) -> None:
    reports, amount = story
    straight = Book(make_order(amount=amount))
    for report in reports:
        straight.receive(report)
    shuffled = [*reports, *reports]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    mistaken = Book(changes.rejected(make_order(amount=amount), refusal, AT).event.order)
    for report in shuffled:
        mistaken.receive(report)
    assert _outcome(mistaken) == _outcome(straight)


@given(story=exchange_stories(), random=st.randoms(use_true_random=False))
def test_the_invariants_of_fills_hold_after_every_step(
    story: tuple[Sequence[OrderReport], Decimal], random: "object"
) -> None:
    reports, amount = story
    shuffled = list(reports)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    book = Book(make_order(amount=amount))
    filled = money.ZERO
    for report in shuffled:
        book.receive(report)
        order = book.order
        assert order.filled >= filled
        filled = order.filled
        assert money.add(order.filled, order.remaining) == order.amount
        assert order.filled == money.total(fill.amount for fill in book.fills)
        assert order.cost == money.total(fill.cost for fill in book.fills)
        trades = [fill.exchange_trade_id for fill in book.fills if not fill.is_synthesized]
        assert len(trades) == len(set(trades))
    for before, after in zip(book.steps, book.steps[1:], strict=False):
        assert after.event.previous_status is before.event.order.status
        assert after.event.order.revision == before.event.order.revision + 1


def _outcome(book: Book) -> tuple[object, ...]:
    order = replace(book.order, revision=0, updated_at=AT, reported_filled=money.ZERO)
    order = replace(order, reported_cost=money.ZERO)
    trades = {(fill.exchange_trade_id, fill.amount, fill.cost) for fill in book.fills}
    return order, trades
