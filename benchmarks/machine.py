"""The machine: pins processes to cores, reads their CPU time, and describes what is installed."""

import math
import os
import platform
import resource
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

_PACKAGES = (
    "strawberry-graphql",
    "graphql-core",
    "uvicorn",
    "uvloop",
    "websockets",
    "SQLAlchemy",
    "aiosqlite",
)


def cores() -> tuple[int | None, int | None]:
    """A core for the server and one for the clients, or None for both if there are not two."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


def pin(pid: int, core: int | None) -> None:
    """Keep a process, and every thread that it starts from now on, on one core."""
    if core is not None:
        os.sched_setaffinity(pid, {core})


def cpu_seconds(pid: int) -> float:
    """The CPU time of all threads of a process, or NaN if the system does not say."""
    try:
        used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.nan
    return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """The resident memory of a process, or NaN if the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return math.nan
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def raise_file_limit() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def describe() -> str:
    server, client = cores()
    pinned = "not pinned" if server is None else f"server on core {server}, client on {client}"
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores"
        f" ({pinned}), load before {load}\n"
        f"Python {platform.python_version()}, {packages}"
    )


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
