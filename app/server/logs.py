"""Logs: for people on a terminal, one JSON object a line for programs, whoever writes them."""

import json
import logging
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from app.server.visible_text import visible

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

    from app.settings import Settings

# What our own lines say besides, where they go through the standard library.
_EXTRAS = ("method", "path", "status", "milliseconds")
_FIRST = ("timestamp", "level", "event", "request_id")


class StandardErrorHandler(logging.Handler):
    """What the standard library logs, on standard error as it is when the line is written."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")


def configure_logs(settings: "Settings") -> None:
    """For the whole process; tracebacks hold no values of variables, which may be secrets."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    is_for_people = settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    rendering = _for_people() if is_for_people else _for_programs()
    structlog.configure(
        processors=[*_COMMON, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )
    _take_over_the_standard_library(level, rendering)
    if not is_for_people:
        sys.excepthook = _tell_crash


def _take_over_the_standard_library(level: int, rendering: "list[Processor]") -> None:
    """Of the libraries only what is wrong: some tell every statement and every value."""
    lines = StandardErrorHandler()
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_COMMON, structlog.stdlib.ExtraAdder(_EXTRAS)],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    for known in [each for each in root.handlers if isinstance(each, StandardErrorHandler)]:
        root.removeHandler(known)
    root.addHandler(lines)
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("app").setLevel(level)
    logging.captureWarnings(capture=True)


_COMMON: "list[Processor]" = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
]


def _for_people() -> "list[Processor]":
    return [
        _spell_out,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _for_programs() -> "list[Processor]":
    return [structlog.processors.format_exc_info, _as_json]


def _spell_out(_: Any, __: str, told: "EventDict") -> "EventDict":
    """No value ends a line or moves a cursor."""
    return {name: visible(one) if isinstance(one, str) else one for name, one in told.items()}


def _as_json(_: Any, __: str, told: "EventDict") -> str:
    ordered = {name: told.pop(name) for name in _FIRST if name in told} | dict(told)
    try:
        return orjson.dumps(ordered, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # Half a character, or a number without end.
        return json.dumps(ordered, default=repr)


def _tell_crash(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    structlog.get_logger(__name__).critical("crashed", exc_info=(kind, error, at))
