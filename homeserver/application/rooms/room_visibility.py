"""`/directory/list/room/{roomId}`: whether a room is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.aliases import CANONICAL_ALIAS
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.shared.errors import ForbiddenError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.directory_store import DirectoryStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft


class RoomVisibility:
    """Reads and sets whether a room stands in the directory."""

    def __init__(self, access: RoomAccess, directory: DirectoryStore, writer: Writer) -> None:
        """Wire."""
        self._access = access
        self._directory = directory
        self._writer = writer

    async def get(self, room_id: str) -> bool:
        """Whether the room is published. Raises NotFoundError."""
        room = await self._access.for_entering(room_id)
        return await self._directory.is_published(room.nid)

    async def set(self, requester: Requester, room_id: str, *, published: bool) -> None:
        """Publish the room, or withdraw it.

        Server administrators may, and members with the power to set the room's canonical
        alias. Raises NotFoundError, ForbiddenError.
        """
        room = await self._access.for_entering(room_id)
        user_id = requester.user_id

        def change(draft: Draft) -> None:
            state = draft.room(room)
            held, levels = state.state(MEMBER, user_id), state.levels
            joined = held is not None and held.membership == JOIN
            may = joined and levels and levels.may_send(user_id, CANONICAL_ALIAS[0], is_state=True)
            if not may and not requester.is_admin:
                raise ForbiddenError("You may not change whether this room is published")
            state.published = published

        await self._writer.submit(change)
