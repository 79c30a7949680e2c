"""The rooms of users as the store keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.writing.draft import Draft


class MembershipStore(Protocol):
    """Reads committed memberships; members' events are written with their rooms."""

    async def places(self, user_nid: int) -> Sequence[RoomPlace]:
        """All rooms that the user ever had a membership in, forgotten ones too, in no order."""
        ...

    async def is_forgotten(self, user_nid: int, room_nid: int) -> bool:
        """Whether the user has forgotten the room."""
        ...

    def forget(self, draft: Draft, user_nid: int, room_nid: int) -> None:
        """Hide a room from its former member until the next change of that membership."""
        ...
