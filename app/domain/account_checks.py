"""What an exchange says of an account's key, and how its clock stands to ours."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountCheck:
    """None is what the exchange does not tell; the problems are why something was not answered."""

    can_trade: bool | None = None
    can_withdraw: bool | None = None
    key_is_ip_bound: bool | None = None
    # How far the exchange's clock is ahead of ours.
    clock_skew_seconds: float | None = None
    # The pace that is kept, in requests of the cheapest kind.
    requests_per_second: float | None = None
    problems: tuple[str, ...] = ()
