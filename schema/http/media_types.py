"""Which media types a request over HTTP may come in, and which its answer goes out in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"

# Where a client likes them equally and names neither, what every client has understood for longest.
_OFFERED = (JSON, GRAPHQL)
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE | re.ASCII)
_UTF_8 = {"utf-8", "utf8"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Range:
    """One entry of an Accept header."""

    name: str
    weight: float
    place: int

    @property
    def rank(self) -> tuple[float, bool, int]:
        """What is named goes before what a star covers, and the first before the next."""
        is_named = not self.name.endswith("*")
        return (self.weight, is_named, -self.place if is_named else 0)


def chosen(accept: str | None) -> str | None:
    """The media type that an Accept header likes best of ours, or None if it takes none."""
    if not accept or not accept.strip():
        return JSON
    ranges = list(_ranges(accept))
    found = [(best, name) for name in _OFFERED if (best := _covering(name, ranges)) is not None]
    liked = [(range_, name) for range_, name in found if range_.weight]
    return max(liked, key=lambda one: one[0].rank)[1] if liked else None


def is_json(content_type: str | None) -> bool:
    """Whether a body is said to be JSON in UTF-8."""
    name, *parameters = (content_type or "").split(";")
    charsets = [
        value.strip().strip('"').lower()
        for key, _, value in (parameter.partition("=") for parameter in parameters)
        if key.strip().lower() == "charset"
    ]
    return name.strip().lower() == JSON and set(charsets) <= _UTF_8


def _ranges(accept: str) -> Iterator[_Range]:
    for place, entry in enumerate(accept.split(",")):
        name, *parameters = (part.strip() for part in entry.lower().split(";"))
        weights = [one for one in parameters if one.startswith("q=")]
        if not weights:
            yield _Range(name=name, weight=1, place=place)
        elif matched := _WEIGHT.fullmatch(weights[0]):
            yield _Range(name=name, weight=float(matched[1]), place=place)


def _covering(name: str, ranges: list[_Range]) -> _Range | None:
    """The most exact entry for a media type: what it says goes before what is said of more."""
    for wanted in (name, "application/*", "*/*"):
        for range_ in ranges:
            if range_.name == wanted:
                return range_
    return None
