"""Reads the settings for a command, and names the environment variables that only clients use."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.settings import Settings

URL_VARIABLE = "ORDERDECK_URL"
TOKEN_VARIABLE = "ORDERDECK_TOKEN"  # noqa: S105 the name of it
# Not settings of the server: a shell that has them set for the client may start a server too.
_OF_CLIENTS = {URL_VARIABLE, TOKEN_VARIABLE}


def read_settings(**options: object) -> "Settings":
    """The settings of this folder and environment; options override both."""
    from app.settings import load_settings

    given = {name: str(value) for name, value in options.items() if value is not None}
    environ = {name: value for name, value in os.environ.items() if name not in _OF_CLIENTS}
    return load_settings({**environ, **given}, Path.cwd())
