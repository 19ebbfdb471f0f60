"""Servers run in a folder of their own, as commands do."""

from tests.cli.conftest import folder, interruptible

__all__ = ["folder", "interruptible"]
