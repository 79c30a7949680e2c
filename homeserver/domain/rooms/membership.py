"""Small rules on memberships and the changes between them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

JOIN: Final = "join"
INVITE: Final = "invite"
KNOCK: Final = "knock"
LEAVE: Final = "leave"
BAN: Final = "ban"

MEMBERSHIPS: Final = frozenset({JOIN, INVITE, KNOCK, LEAVE, BAN})


class MembershipChange(StrEnum):
    """What a change of membership is called (client-server API, `m.room.member`, table)."""

    NONE = "none"
    JOINED = "joined"
    PROFILE_CHANGED = "profile_changed"
    INVITED = "invited"
    INVITE_REJECTED = "invite_rejected"
    INVITE_WITHDRAWN = "invite_withdrawn"
    KNOCKED = "knocked"
    KNOCK_RETRACTED = "knock_retracted"
    KNOCK_DENIED = "knock_denied"
    LEFT = "left"
    KICKED = "kicked"
    BANNED = "banned"
    UNBANNED = "unbanned"


_ENTERED = {
    JOIN: MembershipChange.JOINED,
    INVITE: MembershipChange.INVITED,
    KNOCK: MembershipChange.KNOCKED,
    BAN: MembershipChange.BANNED,
}
_LEFT_BY_ONESELF = {
    JOIN: MembershipChange.LEFT,
    INVITE: MembershipChange.INVITE_REJECTED,
    KNOCK: MembershipChange.KNOCK_RETRACTED,
    BAN: MembershipChange.UNBANNED,
}
_LEFT_BY_ANOTHER = {
    JOIN: MembershipChange.KICKED,
    INVITE: MembershipChange.INVITE_WITHDRAWN,
    KNOCK: MembershipChange.KNOCK_DENIED,
    BAN: MembershipChange.UNBANNED,
}


def name_change(before: str | None, after: str, *, by_oneself: bool) -> MembershipChange:
    """Name the change from `before` (None: never a member) to `after`."""
    before = before or LEAVE
    if before == after:
        return MembershipChange.PROFILE_CHANGED if after == JOIN else MembershipChange.NONE
    if after == LEAVE:
        ways = _LEFT_BY_ONESELF if by_oneself else _LEFT_BY_ANOTHER
        return ways.get(before, MembershipChange.NONE)
    return _ENTERED.get(after, MembershipChange.NONE)


def can_forget(membership: str | None) -> bool:
    """Whether a user may forget a room: only one that they left or were banned from."""
    return membership in {LEAVE, BAN}


def is_present(membership: str | None) -> bool:
    """Whether a user is in the room, and so gets its events."""
    return membership == JOIN


def sync_section(membership: str) -> str:
    """Return the section of `rooms` in /sync under which a room of this membership stands."""
    return LEAVE if membership == BAN else membership
