"""PageRequest and Page: keyset pagination of long lists, forwards or backwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from app.errors import BadInput

DEFAULT_SIZE = 50
MAX_SIZE = 500

T = TypeVar("T")

# A row's place in a list: its value in the sort column, and its id, which breaks ties.
Key = tuple[datetime | str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest:
    """At most `size` rows between `after` and `before`, from the start or from the end."""

    size: int = DEFAULT_SIZE
    after: Key | None = None
    before: Key | None = None
    from_end: bool = False

    @classmethod
    def of(
        cls,
        first: int | None,
        last: int | None = None,
        *,
        after: Key | None = None,
        before: Key | None = None,
    ) -> "PageRequest":
        if first is not None and last is not None:
            raise BadInput("give first or last, not both", field=("first",))
        name, size = ("last", last) if last is not None else ("first", first)
        if size is not None and not 1 <= size <= MAX_SIZE:
            raise BadInput(f"{name} must be 1 to {MAX_SIZE}", field=(name,))
        return cls(
            size=DEFAULT_SIZE if size is None else size,
            after=after,
            before=before,
            from_end=last is not None,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """Rows in list order, and whether there are more on either side."""

    items: Sequence[T]
    has_next: bool
    has_previous: bool
