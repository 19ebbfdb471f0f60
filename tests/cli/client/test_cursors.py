from pathlib import Path

import pytest

from app.cli.client.cursors import CursorFile, CursorFileError


def test_a_cursor_is_kept_and_replaced_whole(folder: Path) -> None:
    file = CursorFile(folder / "place")
    assert file.read() is None
    for cursor in ("first", "second"):
        file.write(cursor)
        assert CursorFile(folder / "place").read() == cursor
    assert [path.name for path in folder.iterdir()] == ["place"]


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"a\x1b[31m", b"x" * 2000])
def test_what_is_no_cursor_is_no_beginning(folder: Path, content: bytes) -> None:
    (folder / "place").write_bytes(content)
    with pytest.raises(CursorFileError, match="holds no cursor"):
        CursorFile(folder / "place").read()


def test_a_place_that_cannot_be_kept_is_told(folder: Path) -> None:
    with pytest.raises(CursorFileError, match="cannot be written"):
        CursorFile(folder / "nowhere" / "place").write("cursor")
    with pytest.raises(CursorFileError, match="cannot be read"):
        CursorFile(folder).read()
