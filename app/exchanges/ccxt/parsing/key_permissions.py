"""What a key may do, read from the exchange's own words: yes, no, or not told."""

from collections.abc import Mapping
from dataclasses import dataclass

_UNBOUND = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class PermissionField:
    """Where it stands in an answer, and what has to be there where several stand together."""

    path: tuple[str | int, ...]
    name: str | None = None

    def read(self, answer: object) -> bool | None:
        match told := at(answer, self.path):
            case bool():
                return told
            case str():
                return self._is_among([part.strip() for part in told.split(",") if part.strip()])
            case list():
                return self._is_among([str(part) for part in told])
            case _:
                return None

    def _is_among(self, parts: list[str]) -> bool:
        if self.name is None:
            return bool(parts) and _UNBOUND not in parts
        return self.name in parts


@dataclass(frozen=True, kw_only=True, slots=True)
class PermissionQuery:
    """The question after a key, and where its answer holds what."""

    method: str
    trade: PermissionField
    withdraw: PermissionField
    ip_bound: PermissionField | None = None
    # Whether the account as a whole may trade, in the answer to the question after its money.
    account_trade: PermissionField | None = None
    # What is there as "1" where the key may change nothing at all.
    read_only: tuple[str | int, ...] | None = None

    def may_trade(self, answer: object, money: object) -> bool | None:
        """A no of the key or of the account is one; a yes takes both, as far as both tell."""
        key = self._unless_read_only(self.trade, answer)
        account = None if self.account_trade is None else self.account_trade.read(money)
        if False in {key, account}:
            return False
        return account if key is None else key

    def may_withdraw(self, answer: object) -> bool | None:
        return self._unless_read_only(self.withdraw, answer)

    def is_ip_bound(self, answer: object) -> bool | None:
        return None if self.ip_bound is None else self.ip_bound.read(answer)

    def _unless_read_only(self, right: PermissionField, answer: object) -> bool | None:
        if self.read_only is not None and str(at(answer, self.read_only)) == "1":
            return False
        return right.read(answer)


def at(tree: object, path: tuple[str | int, ...]) -> object:
    """What stands there; None where the way leads nowhere."""
    for step in path:
        if isinstance(tree, Mapping):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree
