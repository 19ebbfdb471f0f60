"""How one check of an order went: what a trader is shown of the gate."""

from dataclasses import dataclass

from app.errors import Refusal, RefusalCode


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
    """One check. It passed, it refuses, or what it looks at is not known."""

    name: str
    limit: str | None = None
    actual: str | None = None
    refusal: Refusal | None = None
    # Why nothing could be told: something before it failed.
    unknown: str | None = None

    @property
    def has_passed(self) -> bool:
        return self.refusal is None and self.unknown is None

    @property
    def message(self) -> str | None:
        return self.unknown if self.refusal is None else self.refusal.message


def invalid(field: str, message: str) -> Refusal:
    return Refusal(code=RefusalCode.INVALID_INPUT, message=message, field=(field,))
