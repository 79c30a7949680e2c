"""`POST /rooms/{roomId}/unban`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.rooms.member_steps import TO_UNBAN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomAccess
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.change_member import ChangeMember


class UnbanUser:
    """Lifts a ban."""

    def __init__(self, access: RoomAccess, change_member: ChangeMember) -> None:
        """Wire."""
        self._access = access
        self._change = change_member

    async def __call__(
        self, requester: Requester, room_id: str, user_id: str, extra: Mapping[str, Any]
    ) -> str:
        """Return the id of the member event.

        Raises ForbiddenError where the requester's power does not suffice, BadStateError where
        the user is not banned.
        """
        room = await self._access.for_sending(requester, room_id)
        return await self._change(requester, room, user_id, TO_UNBAN, extra)
