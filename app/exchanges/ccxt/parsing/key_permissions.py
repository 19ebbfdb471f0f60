"""What an API key may do, read from the exchange's response: True, False, or None if unknown."""

from collections.abc import Mapping
from dataclasses import dataclass

_UNBOUND = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class PermissionField:
    """The path of a permission in a response, and its names if the path leads to a list."""

    path: tuple[str | int, ...]
    name: str | tuple[str, ...] | None = None

    def read(self, answer: object) -> bool | None:
        match value := at(answer, self.path):
            case bool():
                return value
            case str():
                return self._is_among([part.strip() for part in value.split(",") if part.strip()])
            case list():
                return self._is_among([str(part) for part in value])
            case _:
                return None

    def _is_among(self, parts: list[str]) -> bool:
        if self.name is None:
            return bool(parts) and _UNBOUND not in parts
        names = (self.name,) if isinstance(self.name, str) else self.name
        return any(name in parts for name in names)


@dataclass(frozen=True, kw_only=True, slots=True)
class PermissionQuery:
    """The ccxt method that describes a key, and the fields of its response."""

    method: str
    trade: PermissionField
    withdraw: PermissionField
    ip_bound: PermissionField | None = None
    # Whether the account as a whole may trade, in the response to fetch_balance.
    account_trade: PermissionField | None = None
    # The path that holds "1" if the key is read-only.
    read_only: tuple[str | int, ...] | None = None

    def may_trade(self, answer: object, money: object) -> bool | None:
        """False if the key or the account says no; True if each that is known says yes."""
        key = self._unless_read_only(self.trade, answer)
        account = None if self.account_trade is None else self.account_trade.read(money)
        if False in {key, account}:
            return False
        return account if key is None else key

    def may_withdraw(self, answer: object) -> bool | None:
        return self._unless_read_only(self.withdraw, answer)

    def is_ip_bound(self, answer: object) -> bool | None:
        return None if self.ip_bound is None else self.ip_bound.read(answer)

    def _unless_read_only(self, permission: PermissionField, answer: object) -> bool | None:
        if self.read_only is not None and str(at(answer, self.read_only)) == "1":
            return False
        return permission.read(answer)


def at(tree: object, path: tuple[str | int, ...]) -> object:
    """The value at the path; None if the path does not exist."""
    for step in path:
        if isinstance(tree, Mapping):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree
