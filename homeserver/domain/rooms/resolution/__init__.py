"""State resolution: the one state that follows from the states of several branches."""

from __future__ import annotations

from homeserver.domain.rooms.resolution.resolve import resolve
from homeserver.domain.rooms.resolution.source import EventSource, MissingEventError

__all__ = ["EventSource", "MissingEventError", "resolve"]
