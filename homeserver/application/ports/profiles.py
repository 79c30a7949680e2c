"""What member events say of their users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MemberProfile:
    """Display name and avatar (an mxc:// URI); None where there is none."""

    displayname: str | None = None
    avatar_url: str | None = None

    def content(self) -> dict[str, str]:
        """The fields of a member event's content: those that are set."""
        content = {}
        if self.displayname:
            content["displayname"] = self.displayname
        if self.avatar_url:
            content["avatar_url"] = self.avatar_url
        return content


class ProfileReader(Protocol):
    """Reads the newest profile of a local user."""

    async def __call__(self, user_nid: int) -> MemberProfile:
        """The profile; an empty one for a user who has none."""
        ...
