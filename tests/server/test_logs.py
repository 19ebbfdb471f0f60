import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from app.server.logs import StandardErrorHandler, configure_logs
from app.settings import load_settings

Told = Callable[[], list[dict[str, Any]]]
_ours = structlog.get_logger("app.somewhere")
_theirs = logging.getLogger("somebody.else")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root, ours, hook = logging.getLogger(), logging.getLogger("app"), sys.excepthook
    levels = root.level, ours.level
    yield
    structlog.reset_defaults()
    for handler in [one for one in root.handlers if isinstance(one, StandardErrorHandler)]:
        root.removeHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    logging.captureWarnings(capture=False)
    sys.excepthook = hook


def configure(folder: Path, **settings: str) -> None:
    environ = {f"ORDERDECK_LOG_{name.upper()}": value for name, value in settings.items()}
    configure_logs(load_settings(environ, folder))


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def fail() -> None:
    password = "s3cret-value"
    if password:
        raise ValueError("it broke")


def test_where_nobody_looks_each_line_is_one_object(folder: Path, told: Told) -> None:
    configure(folder)
    _ours.warning("stream.lost", account="paper", text="two\nlines")
    _theirs.error("it is %s", "full")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("of old age", stacklevel=1)
    first, second, third = told()
    assert list(first)[:3] == ["timestamp", "level", "event"]
    assert (first["event"], first["account"], first["text"]) == (
        "stream.lost",
        "paper",
        "two\nlines",
    )
    assert (second["level"], second["event"]) == ("error", "it is full")
    assert "of old age" in third["event"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_tells_lines_and_no_values(
    folder: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    configure(folder, format=form)
    for log in (_ours, _theirs):
        try:
            fail()
        except ValueError:
            log.exception("failed")
    text = capsys.readouterr().err
    assert text.count("ValueError: it broke") == 2
    assert "s3cret-value" not in text.replace('password = "s3cret-value"', "")
    assert len(text.splitlines()) == 2 or form == "console"


def test_a_crash_is_an_object_too(folder: Path, told: Told) -> None:
    configure(folder)
    try:
        fail()
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    [crash] = told()
    assert (crash["level"], crash["event"]) == ("critical", "crashed")
    assert crash["exception"].endswith("ValueError: it broke")


def test_every_line_of_a_request_bears_its_name(folder: Path, told: Told) -> None:
    configure(folder)
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        _ours.info("order.placed")
        _theirs.warning("slow")
    _ours.info("later")
    first, second, third = told()
    assert first["request_id"] == second["request_id"] == "abc"
    assert "request_id" not in third


def test_what_cannot_be_written_as_json_is_told_all_the_same(folder: Path, told: Told) -> None:
    configure(folder)
    _ours.info("odd", half="\ud800", long=10**30, raw=b"x", own=Path("a"))
    [odd] = told()
    assert odd["long"] == 10**30
    assert odd["event"] == "odd"


def test_a_value_cannot_begin_a_line_of_its_own_on_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(folder, format="console")
    _ours.info("odd", path="/\n2026-01-05 [info] forged\x1b[2J")
    [line] = capsys.readouterr().err.splitlines()
    assert "\\n2026" in line
    assert "\x1b[2J" not in line


@pytest.mark.parametrize(
    ("level", "seen"),
    [("debug", {"debug", "info", "warning"}), ("info", {"info", "warning"}), ("error", set())],
)
def test_a_level_is_ours_and_libraries_tell_only_what_is_wrong(
    folder: Path, told: Told, level: str, seen: set[str]
) -> None:
    configure(folder, level=level)
    names = ("debug", "info", "warning")
    for name in names:
        getattr(_ours, name)(name)
        getattr(logging.getLogger("app.somewhere"), name)(name)
    logging.getLogger("aiosqlite").info("every statement with its values")
    lines = told()
    assert {line["event"] for line in lines} == seen
    assert len(lines) == 2 * len(seen)
