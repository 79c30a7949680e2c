"""Memberships, and what follows from them."""

from __future__ import annotations

from typing import Final

JOIN: Final = "join"
INVITE: Final = "invite"
KNOCK: Final = "knock"
LEAVE: Final = "leave"
BAN: Final = "ban"

MEMBERSHIPS: Final = frozenset({JOIN, INVITE, KNOCK, LEAVE, BAN})


def can_forget(membership: str | None) -> bool:
    """Whether a user may forget a room: only one that they left or were banned from."""
    return membership in {LEAVE, BAN}
