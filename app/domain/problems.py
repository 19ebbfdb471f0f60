"""Problem: something that could not be done or read, reported beside what could."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is missing from a result, and why."""

    subject: str
    code: str
    message: str
