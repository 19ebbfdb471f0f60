"""The folder for the tests' temporary files: in memory if there is room."""

import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - files in it get unique names
# The space that a whole run may need at once. Containers often have only 64 MB there.
_ENOUGH_BYTES = 4 << 30


def _short_lived() -> str | None:
    """The folder for temporary files, or None for the system's default."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES:
        return str(_MEMORY)
    return None


SHORT_LIVED = _short_lived()
