"""The rule on an event's own `auth_events` (2; in version 12 rules 2 and 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.events.hashes import create_event_id_of
from homeserver.domain.rooms.auth.failure import AuthFailure, numbers_of, refuse
from homeserver.domain.rooms.auth.selection import auth_types_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.versions import RoomVersion


def check_auth_events(
    version: RoomVersion,
    event: Event,
    auth_events: Sequence[Event],
    is_rejected: Callable[[str], bool],
) -> AuthFailure | None:
    """Check the events that `event` cites; `auth_events` are those, in any order.

    `is_rejected` tells by event id. In version 12 it is asked of the create event too.
    """
    if event.type == "m.room.create":
        return None
    by_hash = version.room_id_is_create_hash
    if by_hash and is_rejected(create_event_id_of(event.room_id)):
        return refuse(version, "2", "the room's create event was rejected")
    number = numbers_of(version).auth_events
    keys = [(cited.type, cited.state_key) for cited in auth_events]
    if len(set(keys)) != len(keys):
        return refuse(version, f"{number}.1", "two auth events of one type and state key")
    allowed = auth_types_for(version, event.type, event.state_key, event.sender, event.content)
    if not set(keys) <= set(allowed):
        return refuse(version, f"{number}.2", "an auth event that is not among the selected")
    if any(is_rejected(cited.event_id) for cited in auth_events):
        return refuse(version, f"{number}.3", "an auth event was rejected")
    if not by_hash and ("m.room.create", "") not in keys:
        return refuse(version, f"{number}.4", "no create event among the auth events")
    if any(cited.room_id != event.room_id for cited in auth_events):
        return refuse(version, f"{number}.{4 if by_hash else 5}", "an auth event of another room")
    return None
