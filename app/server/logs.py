"""Configures logging, also of libraries: readable lines on a terminal, else JSON lines."""

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

# Extra fields of our own log lines that go through the standard library.
_EXTRAS = ("method", "path", "status", "milliseconds")
_FIRST = ("timestamp", "level", "event", "request_id")


class StandardErrorHandler(logging.Handler):
    """Writes to sys.stderr as it is when the line is written, not as it was at import."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")


def configure_logs(settings: "Settings") -> None:
    """Configure the whole process; tracebacks show no values of variables, which may be secrets."""
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
        sys.excepthook = _log_crash


def _take_over_the_standard_library(level: int, rendering: "list[Processor]") -> None:
    """Let libraries log warnings only: below that, some log every statement and every value."""
    lines = StandardErrorHandler()
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_COMMON, structlog.stdlib.ExtraAdder(_EXTRAS)],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, StandardErrorHandler)]:
        root.removeHandler(old)
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
        _escape,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _for_programs() -> "list[Processor]":
    return [structlog.processors.format_exc_info, _as_json]


def _escape(_: Any, __: str, event: "EventDict") -> "EventDict":
    """Escape control characters, so that no value ends a line or moves the cursor."""
    return {
        name: visible(value) if isinstance(value, str) else value for name, value in event.items()
    }


def _as_json(_: Any, __: str, event: "EventDict") -> str:
    ordered = {name: event.pop(name) for name in _FIRST if name in event} | dict(event)
    try:
        return orjson.dumps(ordered, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # orjson refuses lone surrogates and integers over 64 bits.
        return json.dumps(ordered, default=repr)


def _log_crash(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    structlog.get_logger(__name__).critical("crashed", exc_info=(kind, error, at))
