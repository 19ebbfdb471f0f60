"""Where tests keep files: in memory where there is room, as none of them outlives the machine."""

import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made in it gets names of its own
# What a whole run may need at the same time. Containers often have 64 MB there.
_ENOUGH_BYTES = 4 << 30


def _short_lived() -> str | None:
    """The folder for temporary files, or None for the usual one."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES:
        return str(_MEMORY)
    return None


SHORT_LIVED = _short_lived()
