"""Settings: orderdeck.toml, overridden by ORDERDECK_*."""

from app.settings.model import AccountSettings, PaperSettings, Settings
from app.settings.reading import load_settings

__all__ = ["AccountSettings", "PaperSettings", "Settings", "load_settings"]
