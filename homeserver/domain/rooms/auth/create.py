"""Rule 1: `m.room.create`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.auth.failure import AuthFailure, refuse
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.identifiers import domain_of, is_user_id

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.versions import RoomVersion


def check_create(version: RoomVersion, event: Event) -> AuthFailure | None:
    """Check the event that founds a room."""
    if event.prev_events:
        return refuse(version, "1.1", "a create event has prev_events")
    if not _room_id_fits(version, event):
        return refuse(version, "1.2", "the room id is not this create event's")
    if "room_version" in event.content and not _is_known(event.content["room_version"]):
        return refuse(version, "1.3", "unknown room version")
    if version.creator_in_create_content and "creator" not in event.content:
        return refuse(version, "1.4", "a create event without creator")
    if version.privileged_creators and not _creators_valid(event):
        return refuse(version, "1.4", "additional_creators is not a list of user ids")
    return None


def _room_id_fits(version: RoomVersion, event: Event) -> bool:
    if not version.room_id_is_create_hash:
        return domain_of(event.room_id) == domain_of(event.sender)
    # The event itself must not have a room id: `Event.room_id` is then empty or the derived
    # one. One that an event claims for itself is hashed with it and so never equals its hash.
    return event.room_id in {"", "!" + event.event_id[1:]}


def _is_known(room_version: object) -> bool:
    return isinstance(room_version, str) and room_version in ROOM_VERSIONS


def _creators_valid(event: Event) -> bool:
    if "additional_creators" not in event.content:
        return True
    creators = event.content["additional_creators"]
    return isinstance(creators, list) and all(map(is_user_id, creators))
