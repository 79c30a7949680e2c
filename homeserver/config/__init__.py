"""The settings of a Firn process: one TOML file, the environment, and a live view."""

from homeserver.config.errors import ConfigError
from homeserver.config.live import LiveSettings
from homeserver.config.load import Loaded, load
from homeserver.config.settings import RateLimit, Settings

__all__ = ["ConfigError", "LiveSettings", "Loaded", "RateLimit", "Settings", "load"]
