"""Profiles of this server's users."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.shared.json import JsonObject


@dataclass(frozen=True, slots=True)
class Profile:
    """The fields of a profile by name; `rev` grows by one with each change, 0 is none yet."""

    fields: JsonObject = field(default_factory=dict)
    rev: int = 0


class ProfileStore(Protocol):
    """Reads what was committed; writes go into a `Draft`."""

    async def find(self, user_nid: int) -> Profile:
        """The profile of a user, an empty one where nothing was ever set."""
        ...

    def put(self, draft: Draft, user_nid: int, profile: Profile) -> None:
        """Replace the profile of revision `profile.rev - 1`; conflicts where that moved."""
        ...
