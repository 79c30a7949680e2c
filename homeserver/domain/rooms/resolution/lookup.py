"""What resolution asks of an event's `auth_events`, remembered for the length of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.events.hashes import create_event_id_of
from homeserver.domain.rooms.power_levels import Level, PowerLevels

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.auth.state import StateKey
    from homeserver.domain.rooms.resolution.source import EventSource
    from homeserver.domain.rooms.versions import RoomVersion


class AuthLookup:
    """The state that events cite, and the levels that it gives."""

    def __init__(self, version: RoomVersion, events: EventSource) -> None:
        """Look events up in this source."""
        self._version = version
        self._events = events
        self._levels: dict[tuple[str, str | None], PowerLevels] = {}

    def create_of(self, event: Event) -> Event | None:
        """Return the create event that stands over this event."""
        if event.type == "m.room.create":
            return event
        if self._version.room_id_is_create_hash:
            return self._events.get(create_event_id_of(event.room_id))
        return self._cited(event, "m.room.create")

    def power_levels_of(self, event: Event) -> Event | None:
        """Return the power levels event among the event's auth events."""
        return self._cited(event, "m.room.power_levels")

    def accepted_by_key(self, event: Event) -> dict[StateKey, Event]:
        """Return the auth events that were not rejected, and the create event, by key."""
        found: dict[StateKey, Event] = {}
        for event_id in event.auth_events:
            cited = self._events.get(event_id)
            if cited.state_key is not None and not self._events.is_rejected(event_id):
                found.setdefault((cited.type, cited.state_key), cited)
        if self._version.room_id_is_create_hash and event.type != "m.room.create":
            found["m.room.create", ""] = self._events.get(create_event_id_of(event.room_id))
        return found

    def levels(self, create: Event, power_levels: Event | None) -> PowerLevels:
        """Return the levels under these two events."""
        key = (create.event_id, power_levels.event_id if power_levels is not None else None)
        if key not in self._levels:
            self._levels[key] = PowerLevels.of(self._version, create, power_levels)
        return self._levels[key]

    def sender_level(self, event: Event) -> Level:
        """Return the sender's level by the event's own auth events (0 without any create)."""
        create = self.create_of(event)
        if create is None:
            return 0
        return self.levels(create, self.power_levels_of(event)).of_user(event.sender)

    def _cited(self, event: Event, event_type: str) -> Event | None:
        cited = map(self._events.get, event.auth_events)
        return next((e for e in cited if e.type == event_type and e.state_key == ""), None)
