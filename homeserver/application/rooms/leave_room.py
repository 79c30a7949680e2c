"""`POST /rooms/{roomId}/leave`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.rooms.member_steps import TO_LEAVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomAccess
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.change_member import ChangeMember


class LeaveRoom:
    """Leaves a room, rejects an invitation, takes back a knock."""

    def __init__(self, access: RoomAccess, change_member: ChangeMember) -> None:
        """Wire."""
        self._access = access
        self._change = change_member

    async def __call__(self, requester: Requester, room_id: str, extra: Mapping[str, Any]) -> str:
        """Return the id of the leave event, an earlier one where the requester has left.

        Raises ForbiddenError where the requester never was in the room, or is banned.
        """
        room = await self._access.for_leaving(requester, room_id)
        return await self._change(requester, room, requester.user_id, TO_LEAVE, extra)
