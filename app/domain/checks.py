"""CheckResult: the result of one of the gate's checks, as the API shows it."""

from dataclasses import dataclass

from app.errors import Refusal, RefusalCode


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
    """One check: it passed, it refuses the order, or it could not be made."""

    name: str
    limit: str | None = None
    actual: str | None = None
    refusal: Refusal | None = None
    # Why the check could not be made: something before it failed.
    unknown: str | None = None

    @property
    def has_passed(self) -> bool:
        return self.refusal is None and self.unknown is None

    @property
    def message(self) -> str | None:
        return self.unknown if self.refusal is None else self.refusal.message


def invalid(field: str, message: str) -> Refusal:
    return Refusal(code=RefusalCode.INVALID_INPUT, message=message, field=(field,))
