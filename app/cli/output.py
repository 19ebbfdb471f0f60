"""What is printed, and how a command ends."""

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
def told_in_words() -> Iterator[None]:
    """Print what was expected to go wrong, without a traceback, and end with its exit code."""
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
    """Whether a person reads it, rather than a program."""
    return sys.stdout.isatty()


def as_line(cells: Iterable[object]) -> str:
    """With tabs between, which no cell has inside."""
    return "\t".join(visible(str(cell)) for cell in cells)


def as_json(value: object) -> str:
    """On one line, with nothing in it that a terminal would obey."""
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
