"""Rule 4 (version 12: 5): `m.room.member`, by the membership that it sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.auth.failure import AuthFailure, numbers_of, refuse
from homeserver.domain.rooms.auth.invite import check_invite
from homeserver.domain.rooms.auth.join import check_join
from homeserver.domain.rooms.auth.leave import check_ban, check_knock, check_leave
from homeserver.domain.rooms.membership import BAN, INVITE, JOIN, KNOCK, LEAVE
from homeserver.domain.shared.identifiers import domain_of

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.auth.state import Room

_CHECKS = {
    JOIN: check_join,
    INVITE: check_invite,
    LEAVE: check_leave,
    BAN: check_ban,
    KNOCK: check_knock,
}


def check_member(room: Room, event: Event) -> AuthFailure | None:
    """Check a change of membership."""
    version, numbers = room.version, numbers_of(room.version)
    if event.state_key is None or "membership" not in event.content:
        return refuse(version, f"{numbers.member}.1", "no state_key or no membership")
    if version.restricted_joins and not _authoriser_signed(room, event):
        return refuse(version, f"{numbers.authorised_via}.1", "the authorising server did not sign")
    membership = event.membership
    check = None if membership is None else _CHECKS.get(membership)
    if check is None or (membership == KNOCK and not version.knocking):
        return refuse(version, numbers.unknown_membership, "unknown membership")
    return check(room, event, event.state_key)


def _authoriser_signed(room: Room, event: Event) -> bool:
    if "join_authorised_via_users_server" not in event.content:
        return True
    user = event.content["join_authorised_via_users_server"]
    return isinstance(user, str) and room.signatures.event_signed_by(event, domain_of(user))
