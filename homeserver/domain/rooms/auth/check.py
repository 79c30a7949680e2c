"""The authorisation rules in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.events.hashes import create_event_id_of
from homeserver.domain.rooms.auth.create import check_create
from homeserver.domain.rooms.auth.failure import AuthFailure, numbers_of, refuse
from homeserver.domain.rooms.auth.member import check_member
from homeserver.domain.rooms.auth.power_levels import check_power_levels
from homeserver.domain.rooms.auth.state import (
    NO_SIGNATURES,
    Room,
    Signatures,
    State,
    as_lookup,
)
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.power_levels import PowerLevels
from homeserver.domain.shared.identifiers import domain_of

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.versions import RoomVersion


def check_auth(
    version: RoomVersion,
    event: Event,
    state: State,
    *,
    levels: PowerLevels | None = None,
    signatures: Signatures = NO_SIGNATURES,
) -> AuthFailure | None:
    """Check an event by the room state given; None means that it is allowed.

    `state` answers at least the types of `auth_types_for` and, in every version, the create
    event. `levels` are the parsed levels of that state, for callers who keep them: then a
    message costs some microseconds. `signatures` answers for third-party invitations and
    restricted joins, which are refused without it. Redactions pass like any other event
    (since version 3); whether they take effect is not a matter of these rules.
    """
    if event.type == "m.room.create":
        return check_create(version, event)
    lookup = as_lookup(state)
    create = lookup("m.room.create", "")
    if create is None or not _is_founded_by(version, event, create):
        return _no_create(version)
    if create.content.get("m.federate") is False and _is_foreign(event, create):
        return refuse(version, numbers_of(version).federate, "the room does not federate")
    if levels is None:
        levels = PowerLevels.of(version, create, lookup("m.room.power_levels", ""))
    room = Room(version, create, lookup, levels, signatures)
    if event.type == "m.room.member":
        return check_member(room, event)
    return _check_sent_by_member(room, event)


def _is_founded_by(version: RoomVersion, event: Event, create: Event) -> bool:
    return not version.room_id_is_create_hash or create.event_id == create_event_id_of(
        event.room_id
    )


def _no_create(version: RoomVersion) -> AuthFailure:
    if version.room_id_is_create_hash:
        return refuse(version, "2", "the room id names no accepted create event")
    number = numbers_of(version).auth_events
    return refuse(version, f"{number}.4", "the state has no create event")


def _is_foreign(event: Event, create: Event) -> bool:
    return domain_of(event.sender) != domain_of(create.sender)


def _check_sent_by_member(room: Room, event: Event) -> AuthFailure | None:
    version, sender = room.version, event.sender
    if room.membership_of(sender) != JOIN:
        return refuse(version, numbers_of(version).not_joined, "the sender is not in the room")
    if event.type == "m.room.third_party_invite":
        if room.level_of(sender) >= room.levels.invite:
            return None
        number = numbers_of(version).third_party_invite
        return refuse(version, f"{number}.1", "the sender may not invite")
    state_key = event.state_key
    if not room.levels.may_send(sender, event.type, is_state=state_key is not None):
        return refuse(version, numbers_of(version).required_level, "the sender's level is too low")
    if state_key is not None and state_key.startswith("@") and state_key != sender:
        return refuse(version, numbers_of(version).state_key, "state in another user's name")
    if event.type == "m.room.power_levels":
        return check_power_levels(room, event)
    return None
