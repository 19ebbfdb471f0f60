"""Settings: read from orderdeck.toml, overridden by ORDERDECK_* variables."""

from app.settings.model import AccountSettings, PaperSettings, Settings
from app.settings.reading import load_settings

__all__ = ["AccountSettings", "PaperSettings", "Settings", "load_settings"]
