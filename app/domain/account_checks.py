"""AccountCheck: what an exchange says of an account's key, and how far its clock is off."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountCheck:
    """The result of a check; None is unknown, and problems are the requests that failed."""

    can_trade: bool | None = None
    can_withdraw: bool | None = None
    key_is_ip_bound: bool | None = None
    # Positive if the exchange's clock is ahead of ours.
    clock_skew_seconds: float | None = None
    # The rate limit that we keep, in requests of the cheapest kind.
    requests_per_second: float | None = None
    problems: tuple[str, ...] = ()
