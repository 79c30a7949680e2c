"""Rule 4.2/4.3 (version 12: 5.3): `m.room.member` with membership `join`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.auth.failure import AuthFailure, numbers_of, refuse
from homeserver.domain.rooms.join_rules import is_restricted, join_rule_of, opens_to_invited
from homeserver.domain.rooms.membership import BAN, INVITE, JOIN
from homeserver.domain.rooms.power_levels import room_creator

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.auth.state import Room


def check_join(room: Room, event: Event, target: str) -> AuthFailure | None:
    """Check a join, or a change of profile by somebody who is in the room."""
    number = numbers_of(room.version).join
    if _founds_the_room(room, event, target):
        return None
    if event.sender != target:
        return refuse(room.version, f"{number}.2", "a join in another user's name")
    if room.membership_of(event.sender) == BAN:
        return refuse(room.version, f"{number}.3", "the sender is banned")
    return _check_join_rule(room, event, target)


def _founds_the_room(room: Room, event: Event, target: str) -> bool:
    return event.prev_events == (room.create.event_id,) and target == room_creator(
        room.version,
        room.create,
    )


def _check_join_rule(room: Room, event: Event, target: str) -> AuthFailure | None:
    version, numbers = room.version, numbers_of(room.version)
    rules = room.lookup("m.room.join_rules", "")
    rule = join_rule_of(rules.content if rules is not None else None)
    if rule == "public":
        return None
    expected = room.membership_of(target) in {INVITE, JOIN}
    if is_restricted(version, rule):
        if expected or _is_authorised(room, event):
            return None
        return refuse(version, f"{numbers.join}.5.2", "nobody who may invite authorised the join")
    if expected and opens_to_invited(version, rule):
        return None
    return refuse(version, numbers.join_otherwise, "the join rule does not admit the sender")


def _is_authorised(room: Room, event: Event) -> bool:
    user = event.content.get("join_authorised_via_users_server")
    return (
        isinstance(user, str)
        and room.membership_of(user) == JOIN
        and room.level_of(user) >= room.levels.invite
    )
