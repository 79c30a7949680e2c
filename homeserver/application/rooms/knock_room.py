"""`POST /knock/{roomIdOrAlias}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.rooms.member_steps import TO_KNOCK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomAccess
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.change_member import ChangeMember


class KnockRoom:
    """Asks for an invitation."""

    def __init__(self, access: RoomAccess, change_member: ChangeMember) -> None:
        """Wire."""
        self._access = access
        self._change = change_member

    async def __call__(self, requester: Requester, room_id: str, extra: Mapping[str, Any]) -> str:
        """Return the id of the knock.

        Raises NotFoundError for an unknown room, ForbiddenError where it takes no knocks.
        """
        room = await self._access.for_entering(room_id)
        return await self._change(requester, room, requester.user_id, TO_KNOCK, extra)
