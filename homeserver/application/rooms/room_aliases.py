"""`GET /rooms/{roomId}/aliases`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.access import WORLD_READABLE
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import HISTORY_VISIBILITY
from homeserver.domain.shared.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.alias_store import AliasStore
    from homeserver.application.requester import Requester


class RoomAliases:
    """Lists the aliases that this server has for a room."""

    def __init__(self, access: RoomAccess, aliases: AliasStore) -> None:
        """Read here."""
        self._access = access
        self._aliases = aliases

    async def __call__(self, requester: Requester, room_id: str) -> Sequence[str]:
        """All of them, for members and where the world may read. Raises ForbiddenError."""
        view = await self._access.for_reading(requester, room_id)
        seen = view.room.content_of(HISTORY_VISIBILITY, "history_visibility")
        if view.membership != JOIN and seen != WORLD_READABLE:
            raise ForbiddenError("You are not in this room")
        return await self._aliases.of_room(view.room.nid)
