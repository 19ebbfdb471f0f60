"""Why a database cannot be reached, in our words: the driver's text may contain a password."""

import socket
from collections.abc import Iterator

_STATES = {
    "28P01": "it does not accept the password",
    "28000": "it does not let this user in",
    "3D000": "it has no database of this name",
    "42501": "this user may not read it",
    "53300": "it has no connection left",
    "57P03": "it is just starting or stopping",
}
_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "it does not answer"),
    (socket.gaierror, "its host name is not known"),
    (ConnectionRefusedError, "nothing listens there"),
    (FileNotFoundError, "nothing listens there"),
    (PermissionError, "this user may not reach it"),
)


def cause_of(error: BaseException) -> str:
    """The innermost known cause in the error's chain, else the error's own text."""
    known = [words for each in _chain(error) if (words := _words(each)) is not None]
    return f"the database cannot be reached: {known[-1]}" if known else str(error)


def _words(error: BaseException) -> str | None:
    state = getattr(error, "sqlstate", None)
    if state in _STATES:
        return _STATES[state]
    return next((words for kind, words in _KINDS if isinstance(error, kind)), None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        orig = getattr(error, "orig", None)
        error = orig if isinstance(orig, BaseException) else error.__cause__
