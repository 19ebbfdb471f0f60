"""What an exchange says of the keys of an account, and of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """None wherever the exchange does not say."""

    can_trade: bool | None = None
    can_withdraw: bool | None = None
    is_address_bound: bool | None = None
    # How far its clock is ahead of this machine's.
    clock_skew_seconds: float | None = None
    # How often it may be asked, in words.
    limits: str | None = None
    problems: tuple[str, ...] = ()
