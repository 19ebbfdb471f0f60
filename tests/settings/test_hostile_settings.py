"""Settings that nobody writes on purpose are refused in words too."""

import os
from pathlib import Path

import pytest

from tests.settings.test_settings import problem_of, write


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"a = {'[' * 3_000}", "too deep"),
        ("a." * 500 + "b=1", "50 deep at most"),
        (f"port = {'9' * 5_000}", "has a line of more than 4096 bytes"),
        ("a." * 30_000 + "b=1", "has a line of more than 4096 bytes"),
        ("# much\n" * 50_000, "is longer than 256 KiB"),
    ],
)
def test_a_file_without_measure_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    write(tmp_path, text)
    assert problem in problem_of({}, tmp_path)


def test_variables_within_variables_without_end_are_refused(tmp_path: Path) -> None:
    assert "50 deep at most" in problem_of({f"ORDERDECK_{'A__' * 500}B": "1"}, tmp_path)


@pytest.mark.parametrize("name", ["ALLOWED_HOSTS", "ACCOUNTS__PAPER__CCXT"])
def test_a_list_or_table_in_brackets_without_end_is_refused(tmp_path: Path, name: str) -> None:
    for text in ("[" * 100_000, '{"a":' * 100_000):
        assert " must be " in problem_of({f"ORDERDECK_{name}": text}, tmp_path)


def test_a_variable_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    variable = os.fsdecode(b"ORDERDECK_\xff")
    assert problem_of({variable: "1"}, tmp_path).startswith("'ORDERDECK_\\udcff' is not a setting")


@pytest.mark.parametrize(
    "line",
    ['data_dir = "a\\u0000"', '[accounts.paper]\nexchange="paper"\napi_key_file = "\\u0000"'],
)
def test_a_path_with_a_zero_in_it_is_refused(tmp_path: Path, line: str) -> None:
    write(tmp_path, line)
    assert "has a zero in it" in problem_of({}, tmp_path)


@pytest.mark.parametrize("name", ["tls_cert", "strategies_dir"])
def test_a_path_that_cannot_be_looked_at_is_not_there(tmp_path: Path, name: str) -> None:
    others = {"ORDERDECK_TLS_KEY": __file__} if name == "tls_cert" else {}
    environ = {f"ORDERDECK_{name.upper()}": "x" * 5_000, **others}
    assert "that is there" in problem_of(environ, tmp_path)


def test_a_secret_in_the_wrong_place_is_not_told(tmp_path: Path) -> None:
    assert "s3cret" not in problem_of({"ORDERDECK_TRUSTED_PROXIES": "s3cret"}, tmp_path)
