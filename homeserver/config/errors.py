"""The one failure of the configuration."""

from __future__ import annotations


class ConfigError(Exception):
    """A setting that stops the start; its text is one line for the operator."""
