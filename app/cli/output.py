"""Output of commands: errors with their exit codes, tab-separated lines, JSON and times."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn

import typer

from app.errors import Denied, OrderdeckError, SettingsError
from app.server.visible_text import visible

FAILED = 1
UNUSABLE = 2


@contextmanager
def printed_errors() -> Iterator[None]:
    """Print expected errors without a traceback, and end with their exit code."""
    code = 0
    try:
        yield
    except* SettingsError as group:
        code = UNUSABLE
        _print_problems(group)
    except* OrderdeckError as group:
        code = FAILED
        _print_problems(group)
    if code:
        raise typer.Exit(code)


def fail(words: str) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(FAILED)


def is_terminal() -> bool:
    """Whether a person reads the output, rather than a program."""
    return sys.stdout.isatty()


def as_line(cells: Iterable[object]) -> str:
    """The cells separated by tabs; tabs inside of cells are escaped."""
    return "\t".join(visible(str(cell)) for cell in cells)


def as_json(value: object) -> str:
    """JSON on one line, without control characters that a terminal would obey."""
    return json.dumps(value).replace("\x7f", "\\u007f")


def show_time(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M:%SZ}"


def _print_problems(error: BaseException) -> None:
    match error:
        case BaseExceptionGroup():
            for each in error.exceptions:
                _print_problems(each)
        case Denied():
            typer.echo(error.refusal.message, err=True)
        case _:
            typer.echo(str(error), err=True)
