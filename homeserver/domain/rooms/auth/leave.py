"""Rules 4.4-4.7 (version 12: 5.5-5.7): `m.room.member` with `leave`, `ban` or `knock`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.auth.failure import AuthFailure, numbers_of, refuse
from homeserver.domain.rooms.join_rules import join_rule_of, opens_to_knocks
from homeserver.domain.rooms.membership import BAN, INVITE, JOIN, KNOCK

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.auth.state import Room


def check_leave(room: Room, event: Event, target: str) -> AuthFailure | None:
    """Check a leave: one's own, a kick, an unban, a withdrawn invitation."""
    version, number = room.version, numbers_of(room.version).leave
    sender, membership = event.sender, room.membership_of(target)
    if sender == target:
        if membership in {INVITE, JOIN} or (membership == KNOCK and version.knocking):
            return None
        return refuse(version, f"{number}.1", "the sender is not in the room")
    if room.membership_of(sender) != JOIN:
        return refuse(version, f"{number}.2", "the sender is not in the room")
    level = room.level_of(sender)
    if membership == BAN and level < room.levels.ban:
        return refuse(version, f"{number}.3", "the sender may not unban")
    if level < room.levels.kick or room.level_of(target) >= level:
        return refuse(version, f"{number}.5", "the sender may not kick the target")
    return None


def check_ban(room: Room, event: Event, target: str) -> AuthFailure | None:
    """Check a ban."""
    version, number = room.version, numbers_of(room.version).ban
    if room.membership_of(event.sender) != JOIN:
        return refuse(version, f"{number}.1", "the sender is not in the room")
    level = room.level_of(event.sender)
    if level < room.levels.ban or room.level_of(target) >= level:
        return refuse(version, f"{number}.3", "the sender may not ban the target")
    return None


def check_knock(room: Room, event: Event, target: str) -> AuthFailure | None:
    """Check a knock."""
    version, number = room.version, numbers_of(room.version).knock
    rules = room.lookup("m.room.join_rules", "")
    if not opens_to_knocks(version, join_rule_of(rules.content if rules is not None else None)):
        return refuse(version, f"{number}.1", "the room takes no knocks")
    if event.sender != target:
        return refuse(version, f"{number}.2", "a knock in another user's name")
    if room.membership_of(event.sender) in {BAN, INVITE, JOIN}:
        return refuse(version, f"{number}.4", "the sender is banned, invited or in the room")
    return None
