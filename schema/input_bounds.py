"""Bounds on the length of lists and texts in inputs."""

from collections.abc import Collection
from typing import TypeVar

from app.errors import BadInput

MAX_LIST = 500
MAX_TEXT = 200

T = TypeVar("T")


def bounded(values: Collection[T] | None, *, field: tuple[str, ...]) -> frozenset[T] | None:
    """The values as a set, or None if absent. Raises BadInput for too many or unusable ones."""
    if values is None:
        return None
    counted(values, field=field)
    for value in values:
        if isinstance(value, str):
            text(value, field=field)
    return frozenset(values)


def counted(values: Collection[object], *, field: tuple[str, ...]) -> None:
    if len(values) > MAX_LIST:
        raise BadInput(
            f"{'.'.join(field)} may hold {MAX_LIST} at most and has {len(values)}", field=field
        )


def text(value: str, *, field: tuple[str, ...]) -> str:
    """The text itself. Raises BadInput unless every database could search for it."""
    if len(value) > MAX_TEXT or "\0" in value or not value.isprintable():
        raise BadInput(
            f"{'.'.join(field)} may have {MAX_TEXT} printable characters at most", field=field
        )
    return value
