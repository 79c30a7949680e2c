"""Guest accounts: names that this server gives, so that guests are soon found in a room."""

from __future__ import annotations

from typing import Final

from homeserver.domain.shared.identifiers import domain_of

_PREFIX: Final = "@guest-"


def guest_id(unique: str, server_name: str) -> str:
    """A guest's user id; `unique` is of letters and digits."""
    return f"{_PREFIX}{unique.lower()}:{server_name}"


def may_be_guest(user_id: str, server_name: str) -> bool:
    """Whether this can be a guest of this server; others may have chosen such a name."""
    return user_id.startswith(_PREFIX) and domain_of(user_id) == server_name
