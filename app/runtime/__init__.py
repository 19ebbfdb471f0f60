"""The composition root: builds everything in order, starts the loops, closes in reverse."""

from app.runtime.opening import migrate, open_auth, open_health, open_runtime
from app.runtime.parts import Parts, SystemClock

__all__ = ["Parts", "SystemClock", "migrate", "open_auth", "open_health", "open_runtime"]
