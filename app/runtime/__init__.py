"""The composition root: builds the services in order, starts the loops, closes in reverse."""

from app.runtime.opening import migrate, open_auth, open_health, open_restored, open_runtime
from app.runtime.parts import Parts

__all__ = ["Parts", "migrate", "open_auth", "open_health", "open_restored", "open_runtime"]
