"""Finding: one result of a health check, in words for a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was checked: its state and, if it is not well, what to do."""

    name: str
    level: Severity
    words: str
    advice: str | None = None


def ok(name: str, words: str) -> Finding:
    return Finding(name=name, level=Severity.OK, words=words)


def warning(name: str, words: str, advice: str) -> Finding:
    return Finding(name=name, level=Severity.WARNING, words=words, advice=advice)


def fault(name: str, words: str, advice: str) -> Finding:
    return Finding(name=name, level=Severity.FAULT, words=words, advice=advice)


def worst(findings: Iterable[Finding]) -> Severity:
    """The worst severity of all findings."""
    levels = {finding.level for finding in findings}
    return next(
        (level for level in (Severity.FAULT, Severity.WARNING) if level in levels), Severity.OK
    )
