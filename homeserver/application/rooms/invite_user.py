"""`POST /rooms/{roomId}/invite`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.rooms.member_steps import TO_INVITE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomAccess
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.change_member import ChangeMember
    from homeserver.application.rooms.invitees import CheckInvitee


class InviteUser:
    """Invites somebody."""

    def __init__(
        self, access: RoomAccess, check: CheckInvitee, change_member: ChangeMember
    ) -> None:
        """Wire."""
        self._access = access
        self._check = check
        self._change = change_member

    async def __call__(
        self, requester: Requester, room_id: str, user_id: str, extra: Mapping[str, Any]
    ) -> str:
        """Return the id of the invite, an earlier one where the user is invited.

        Raises ForbiddenError by the room's rules, and what `CheckInvitee` raises.
        """
        room = await self._access.for_sending(requester, room_id)
        await self._check(requester, user_id)
        return await self._change(requester, room, user_id, TO_INVITE, extra)
