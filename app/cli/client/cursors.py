"""The file in which watch keeps its cursor from one run to the next."""

import os
from pathlib import Path

from app.errors import OrderdeckError

_MAX_LENGTH = 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class CursorFileError(OrderdeckError):
    """The cursor cannot be kept or read: look at the file."""


class CursorFile:
    """A file with one cursor, replaced atomically: a reader finds the old cursor or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(f".{path.name}.new")

    def read(self) -> str | None:
        """The cursor, or None if there is no file. An empty file raises: it would hide a loss."""
        try:
            cursor = self._path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise CursorFileError(f"{self._path} holds no cursor") from None
        except OSError as error:
            raise CursorFileError(f"{self._path} cannot be read: {error.strerror}") from None
        if not cursor or len(cursor) > _MAX_LENGTH or not cursor.isprintable():
            raise CursorFileError(f"{self._path} holds no cursor")
        return cursor

    def write(self, cursor: str) -> None:
        """Replace the cursor, synced to disk first: not even a power cut leaves half of it."""
        try:
            descriptor = os.open(self._unfinished, _NEW, 0o644)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{cursor}\n")
                file.flush()
                os.fdatasync(descriptor)
            self._unfinished.replace(self._path)
        except OSError as error:
            raise CursorFileError(f"{self._path} cannot be written: {error.strerror}") from None
