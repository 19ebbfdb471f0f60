"""Content negotiation: checks Content-Type and picks the media type of a response from Accept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"

# Most widely understood first: the first wins if a client ranks both equally by a wildcard.
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
        """A named type ranks before a wildcard; equal ones rank in the order of the header."""
        is_named = not self.name.endswith("*")
        return (self.weight, is_named, -self.place if is_named else 0)


def negotiate(accept: str | None) -> str | None:
    """The one of our media types that an Accept header prefers, or None if it accepts neither."""
    if not accept or not accept.strip():
        return JSON
    ranges = list(_ranges(accept))
    matched = [(best, name) for name in _OFFERED if (best := _covering(name, ranges)) is not None]
    accepted = [(range_, name) for range_, name in matched if range_.weight]
    return max(accepted, key=lambda pair: pair[0].rank)[1] if accepted else None


def is_json(content_type: str | None) -> bool:
    """Whether a Content-Type says JSON in UTF-8."""
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
        weights = [parameter for parameter in parameters if parameter.startswith("q=")]
        if not weights:
            yield _Range(name=name, weight=1, place=place)
        elif matched := _WEIGHT.fullmatch(weights[0]):
            yield _Range(name=name, weight=float(matched[1]), place=place)


def _covering(name: str, ranges: list[_Range]) -> _Range | None:
    """The most specific entry that covers a media type; it overrides the broader ones."""
    for wanted in (name, "application/*", "*/*"):
        for range_ in ranges:
            if range_.name == wanted:
                return range_
    return None
