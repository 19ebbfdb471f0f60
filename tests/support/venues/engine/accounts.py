"""Accounts: key, permissions, fees and balances."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from app.domain import money
from tests.support.venues.engine.digits import ZERO


class Commission(StrEnum):
    """The asset that fees are paid in; the received one is used if there is not enough of it."""

    RECEIVED = "RECEIVED"
    BASE = "BASE"
    QUOTE = "QUOTE"
    BNB = "BNB"


@dataclass(frozen=True, kw_only=True)
class Balance:
    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return money.add(self.free, self.locked)


@dataclass(kw_only=True)
class Account:
    name: str
    api_key: str
    secret: str
    can_trade: bool = True
    can_withdraw: bool = False
    is_ip_bound: bool = False
    is_revoked: bool = False
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    commission: Commission = Commission.RECEIVED
    deposits: dict[str, Decimal] = field(default_factory=dict)
    _balances: dict[str, Balance] = field(default_factory=dict)

    @property
    def balances(self) -> Mapping[str, Balance]:
        return self._balances

    def balance(self, asset: str) -> Balance:
        return self._balances.get(asset, Balance())

    def deposit(self, asset: str, amount: Decimal) -> None:
        self.deposits[asset] = money.add(self.deposits.get(asset, ZERO), amount)
        self.receive(asset, amount)

    def receive(self, asset: str, amount: Decimal) -> None:
        held = self.balance(asset)
        self._balances[asset] = replace(held, free=money.add(held.free, amount))

    def pay(self, asset: str, amount: Decimal) -> None:
        self.receive(asset, -amount)

    def lock(self, asset: str, amount: Decimal) -> None:
        """Lock money for an order; a negative amount releases it."""
        held = self.balance(asset)
        self._balances[asset] = Balance(
            free=money.subtract(held.free, amount), locked=money.add(held.locked, amount)
        )

    def fee_rate(self, *, is_maker: bool) -> Decimal:
        return self.maker_fee if is_maker else self.taker_fee
