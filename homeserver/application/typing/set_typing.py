"""`PUT /rooms/{roomId}/typing/{userId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import ForbiddenError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.requester import Requester
    from homeserver.application.typing.board import TypingBoard


class SetTyping:
    """Says that the requester began or stopped typing."""

    def __init__(self, access: RoomAccess, board: TypingBoard) -> None:
        """Note it on this board."""
        self._access = access
        self._board = board

    async def __call__(
        self, requester: Requester, room_id: str, user_id: str, seconds: float | None
    ) -> None:
        """Typing for so many seconds, or None: no longer.

        Raises ForbiddenError in another's name or outside the room.
        """
        if user_id != requester.user_id:
            raise ForbiddenError("You can only type for yourself")
        room = await self._access.for_members(requester, room_id)
        if seconds is None:
            self._board.stop(room.nid, user_id, own=True)
        else:
            self._board.start(room.nid, user_id, seconds)
