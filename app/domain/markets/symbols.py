"""The refusal of an unknown symbol, with suggestions of what may have been meant."""

from collections.abc import Collection

from app.errors import Refusal, RefusalCode

# How many symbols the refusal lists, out of thousands.
MOST_NAMED = 8
_LONGEST = 64
_SIGNS = dict.fromkeys(map(ord, "/:-_. "))


def unknown_symbol(symbol: str, known: Collection[str], *field: str) -> Refusal:
    """The refusal; suggests symbols that begin with the same letters, else lists what exists."""
    return Refusal(
        code=RefusalCode.UNKNOWN_SYMBOL,
        message=f"the account has no market of this symbol{_instead(symbol, known)}",
        field=field or ("symbol",),
    )


def _instead(symbol: str, known: Collection[str]) -> str:
    if not known:
        return ""
    meant = _letters(symbol[:_LONGEST])
    near = sorted(name for name in known if meant and _begins_with(name, meant))
    if near:
        return f"; did you mean {_named(near, 'or')}?"
    return f"; it has {_named(sorted(known), 'and')}"


def _begins_with(name: str, meant: str) -> bool:
    # Cheap test first: of thousands of names, few have the same first letter.
    return name[:1].upper() == meant[0] and _letters(name).startswith(meant)


def _letters(symbol: str) -> str:
    return symbol.upper().translate(_SIGNS)


def _named(names: list[str], joined: str) -> str:
    more = [f"{len(names) - MOST_NAMED} others"] if len(names) > MOST_NAMED else []
    *first, last = [*names[:MOST_NAMED], *more]
    return f"{', '.join(first)} {joined} {last}" if first else last
