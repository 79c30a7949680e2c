"""Rule 4.3/4.4 (version 12: 5.4): `m.room.member` with membership `invite`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from homeserver.domain.rooms.auth.failure import AuthFailure, numbers_of, refuse
from homeserver.domain.rooms.membership import BAN, JOIN
from homeserver.domain.rooms.third_party_invite import THIRD_PARTY_INVITE, offered_keys

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.auth.state import Room


def check_invite(room: Room, event: Event, target: str) -> AuthFailure | None:
    """Check an invitation by a member, or one that redeems an invitation by e-mail."""
    number = numbers_of(room.version).invite
    if "third_party_invite" in event.content:
        return _check_redeemed(room, event, target, f"{number}.1")
    if room.membership_of(event.sender) != JOIN:
        return refuse(room.version, f"{number}.2", "the sender is not in the room")
    if room.membership_of(target) in {JOIN, BAN}:
        return refuse(room.version, f"{number}.3", "the target is in the room or banned")
    if room.level_of(event.sender) < room.levels.invite:
        return refuse(room.version, f"{number}.5", "the sender may not invite")
    return None


def _check_redeemed(room: Room, event: Event, target: str, number: str) -> AuthFailure | None:
    version = room.version
    if room.membership_of(target) == BAN:
        return refuse(version, f"{number}.1", "the target is banned")
    invite = event.content["third_party_invite"]
    signed = invite.get("signed") if isinstance(invite, Mapping) else None
    if not isinstance(signed, Mapping):
        return refuse(version, f"{number}.2", "third_party_invite has no signed object")
    mxid, token = signed.get("mxid"), signed.get("token")
    if not isinstance(mxid, str) or not isinstance(token, str):
        return refuse(version, f"{number}.3", "signed has no mxid or no token")
    if mxid != target:
        return refuse(version, f"{number}.4", "the invitation is for another user")
    offer = room.lookup(THIRD_PARTY_INVITE, token)
    if offer is None:
        return refuse(version, f"{number}.5", "no third-party invitation with this token")
    if event.sender != offer.sender:
        return refuse(version, f"{number}.6", "the sender did not make the invitation")
    keys = (key.public_key for key in offered_keys(offer.content))
    if not any(room.signatures.signed_with(signed, key) for key in keys):
        return refuse(version, f"{number}.8", "no valid signature")
    return None
