"""The authorisation rules of room versions 6 to 12."""

from __future__ import annotations

from homeserver.domain.rooms.auth.auth_events import check_auth_events
from homeserver.domain.rooms.auth.check import check_auth
from homeserver.domain.rooms.auth.failure import AuthFailure
from homeserver.domain.rooms.auth.selection import auth_types_for
from homeserver.domain.rooms.auth.state import NO_SIGNATURES, Signatures, State, StateKey

__all__ = [
    "NO_SIGNATURES",
    "AuthFailure",
    "Signatures",
    "State",
    "StateKey",
    "auth_types_for",
    "check_auth",
    "check_auth_events",
]
