"""What member events take over from profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.ports.profiles import MemberProfile
from homeserver.domain.accounts.profile import AVATAR_URL, DISPLAY_NAME

if TYPE_CHECKING:
    from homeserver.application.ports.profile_store import ProfileStore


@dataclass(frozen=True, slots=True)
class MemberProfiles:
    """See `application.ports.profiles.ProfileReader`."""

    profiles: ProfileStore

    async def __call__(self, user_nid: int) -> MemberProfile:
        """The newest name and avatar."""
        fields = (await self.profiles.find(user_nid)).fields
        return MemberProfile(fields.get(DISPLAY_NAME), fields.get(AVATAR_URL))
