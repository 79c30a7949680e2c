"""Where resolution finds events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event


class MissingEventError(LookupError):
    """An event that resolution needs and the source does not have: load it and try again."""

    def __init__(self, event_id: str) -> None:
        """Name the missing event."""
        super().__init__(event_id)
        self.event_id = event_id


class EventSource(Protocol):
    """The events of one room by id, in memory: the state sets and their whole auth chains."""

    def get(self, event_id: str) -> Event:
        """Return the event; raise MissingEventError where it is absent."""

    def is_rejected(self, event_id: str) -> bool:
        """Whether the event was rejected: then no other event may lean on it."""
