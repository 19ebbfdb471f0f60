"""What could not be done or read this time, beside what could."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that stays open, and why."""

    subject: str
    code: str
    message: str
