from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.domain import money
from app.domain.portfolio.positions import Holding, Move, RoundTrip, move

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
PLACES = Decimal("0.000000000000000001")


def moved(holding: Holding, *steps: tuple[str, str, str]) -> tuple[Holding, list[RoundTrip]]:
    """Each step is an amount, a price and a fee."""
    rounds = []
    for number, (amount, price, fee) in enumerate(steps):
        by = Move(
            amount=Decimal(amount),
            price=Decimal(price),
            fee=Decimal(fee),
            at=AT + timedelta(minutes=number),
        )
        after = move(holding, by)
        holding = after.holding
        rounds += [after.ended] if after.ended else []
    return holding, rounds


def test_what_is_bought_has_the_average_price_without_fees() -> None:
    holding, rounds = moved(Holding(), ("1", "100", "0.1"), ("3", "200", "0.6"))
    assert holding.entry_price == Decimal(175)
    assert holding.realized == Decimal("-0.7")
    assert holding.unrealized(Decimal(180)) == Decimal(20)
    assert rounds == []


def test_a_part_that_is_sold_releases_its_part_of_the_basis() -> None:
    holding, _ = moved(Holding(), ("4", "100", "0"), ("-1", "110", "0.5"))
    assert (holding.amount, holding.basis) == (Decimal(3), Decimal(300))
    assert holding.realized == Decimal("9.5")


def test_the_last_part_releases_what_is_left() -> None:
    holding, rounds = moved(Holding(), ("3", "100.01", "0"), ("-1", "100", "0"), ("-2", "100", "0"))
    assert (holding.amount, holding.basis) == (money.ZERO, money.ZERO)
    assert holding.opened_at is None
    assert holding.realized == Decimal("-0.03")
    assert rounds == [
        RoundTrip(opened_at=AT, closed_at=AT + timedelta(minutes=2), pnl=Decimal("-0.03"))
    ]


def test_a_short_earns_when_the_price_falls() -> None:
    holding, rounds = moved(Holding(), ("-2", "100", "1"), ("1", "90", "0"))
    assert (holding.amount, holding.entry_price) == (Decimal(-1), Decimal(100))
    assert holding.realized == Decimal(9)
    assert holding.unrealized(Decimal(90)) == Decimal(10)
    assert rounds == []


def test_through_flat_to_the_other_side_ends_a_round_and_begins_another() -> None:
    holding, rounds = moved(Holding(), ("1", "100", "0"), ("-3", "120", "0"))
    assert (holding.amount, holding.entry_price) == (Decimal(-2), Decimal(120))
    assert holding.opened_at == AT + timedelta(minutes=1)
    assert [one.pnl for one in rounds] == [Decimal(20)]


def test_a_round_counts_from_its_own_beginning() -> None:
    _, rounds = moved(
        Holding(), ("1", "100", "1"), ("-1", "110", "1"), ("1", "100", "0"), ("-1", "99", "0")
    )
    assert [one.pnl for one in rounds] == [Decimal(8), Decimal(-1)]


@dataclass
class Wallet:
    """What really moves when something is traded: the base, the quote, and a third currency."""

    base: Decimal = money.ZERO
    quote: Decimal = money.ZERO
    # Fees in a third currency, each valued in quote at its fill.
    spent: Decimal = money.ZERO
    holding: Holding = field(default_factory=Holding)

    def equity(self, mark: Decimal) -> Decimal:
        return money.subtract(money.add(money.multiply(self.base, mark), self.quote), self.spent)

    def trade(self, amount: Decimal, price: Decimal, fee: Decimal, currency: str) -> None:
        in_base = fee if currency == "base" else money.ZERO
        value = money.multiply(fee, price) if currency == "base" else fee
        self.base = money.subtract(money.add(self.base, amount), in_base)
        self.quote = money.subtract(self.quote, money.multiply(amount, price))
        if currency == "quote":
            self.quote = money.subtract(self.quote, fee)
        if currency == "third":
            self.spent = money.add(self.spent, fee)
        by = Move(amount=money.subtract(amount, in_base), price=price, fee=value, at=AT)
        self.holding = move(self.holding, by).holding


def test_no_digit_is_lost_however_many_there_are() -> None:
    fine = "12345678901234567890.123456789012345678"
    holding, _ = moved(Holding(), (fine, "1", "0"), (f"-{fine}", "1", "0"))
    assert {holding.amount, holding.basis, holding.realized} == {money.ZERO}
    holding, _ = moved(Holding(), (fine, "1", "0"), (f"-{fine[:-1]}0", "1", "0"))
    assert holding.amount == Decimal("0.000000000000000008")


DECIMALS = st.integers(1, 10**9).map(lambda number: Decimal(number).scaleb(-6))
AMOUNTS = st.tuples(DECIMALS, st.booleans()).map(lambda pair: pair[0] if pair[1] else -pair[0])
TRADES = st.tuples(
    AMOUNTS,
    DECIMALS,
    st.integers(0, 10**4).map(lambda number: Decimal(number).scaleb(-6)),
    st.sampled_from(["base", "quote", "third"]),
)


@given(st.lists(TRADES, max_size=30), DECIMALS)
def test_the_change_of_equity_is_what_was_realized_and_what_was_not(
    trades: list[tuple[Decimal, Decimal, Decimal, str]], mark: Decimal
) -> None:
    wallet = Wallet()
    for trade in trades:
        wallet.trade(*trade)
    holding = wallet.holding
    assert holding.amount == wallet.base
    assert money.add(holding.realized, holding.unrealized(mark)) == wallet.equity(mark)
    assert (holding.amount == 0) == (holding.opened_at is None)


@given(st.lists(TRADES, max_size=30))
def test_the_rounds_and_the_open_one_are_all_that_was_realized(
    trades: list[tuple[Decimal, Decimal, Decimal, str]],
) -> None:
    holding, pnl = Holding(), money.ZERO
    for amount, price, fee, _ in trades:
        after = move(holding, Move(amount=amount, price=price, fee=fee, at=AT))
        holding = after.holding
        pnl = money.add(pnl, after.ended.pnl if after.ended else money.ZERO)
    open_round = money.subtract(holding.realized, holding.realized_before)
    assert money.add(pnl, open_round) == holding.realized


@given(DECIMALS, DECIMALS, DECIMALS)
def test_the_basis_is_rounded_once_and_nothing_of_it_is_lost(
    bought: Decimal, price: Decimal, part: Decimal
) -> None:
    bought = money.add(bought, part)
    holding = move(Holding(), Move(amount=bought, price=price, fee=money.ZERO, at=AT)).holding
    after = move(holding, Move(amount=-part, price=price, fee=money.ZERO, at=AT)).holding
    released = money.subtract(holding.basis, after.basis)
    exact = money.multiply(holding.basis, part)
    assert abs(money.subtract(money.multiply(released, bought), exact)) <= money.multiply(
        PLACES, bought
    )
