import json

import pytest

from app.cli.output import as_json, as_line
from app.server.visible_text import visible

HOSTILE = "a\x1b[31mb\x07c\x9bd\u202ee\nf\tg\x7fh\rü"


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    assert visible(HOSTILE) == r"a\x1b[31mb\x07c\x9bd\u202ee\nf\tg\x7fh\rü"


def test_a_line_stays_one_line_with_one_tab_between_cells() -> None:
    line = as_line((HOSTILE, 7, "end"))
    assert line.isprintable() is False
    assert [cell.isprintable() for cell in line.split("\t")] == [True] * 3


def test_json_carries_all_text_and_nothing_to_obey() -> None:
    text = as_json({"note": HOSTILE, HOSTILE: "0.10"})
    assert json.loads(text) == {"note": HOSTILE, HOSTILE: "0.10"}
    assert text.isascii()
    assert text.isprintable()


@pytest.mark.parametrize("text", ["BTC/USDT:USDT", "0.00000001", "[red]x[/red]", "größer"])
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert visible(text) == text
