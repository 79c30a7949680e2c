"""Member events sent by `PUT /rooms/{roomId}/state/m.room.member/{userId}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.domain.rooms.membership import BAN, JOIN, LEAVE
from homeserver.domain.shared.errors import BadJsonError, ForbiddenError, GuestAccessForbiddenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomAccess
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.ban_user import BanUser
    from homeserver.application.rooms.invite_user import InviteUser
    from homeserver.application.rooms.join_room import JoinRoom
    from homeserver.application.rooms.kick_user import KickUser
    from homeserver.application.rooms.knock_room import KnockRoom
    from homeserver.application.rooms.leave_room import LeaveRoom
    from homeserver.application.rooms.unban_user import UnbanUser

_GUESTS_MAY = frozenset({JOIN, LEAVE})


@dataclass(frozen=True, slots=True)
class SetMember:
    """Finds the use case that such an event stands for, so that its rules hold here too."""

    access: RoomAccess
    join: JoinRoom
    knock: KnockRoom
    leave: LeaveRoom
    invite: InviteUser
    kick: KickUser
    ban: BanUser
    unban: UnbanUser

    async def __call__(
        self, requester: Requester, room_id: str, user_id: str, content: Mapping[str, Any]
    ) -> str:
        """Return the id of the member event; see the use cases for what they raise.

        Guests get no further than by the endpoints that are open to them.
        """
        membership = content.get("membership")
        by_oneself = user_id == requester.user_id
        if requester.is_guest and not (by_oneself and membership in _GUESTS_MAY):
            raise GuestAccessForbiddenError("Guests may join and leave, and nothing else")
        match membership:
            case "join" | "knock" if not by_oneself:
                raise ForbiddenError("Nobody can join or knock for another user")
            case "join":
                return await self.join(requester, room_id, content)
            case "knock":
                return await self.knock(requester, room_id, content)
            case "invite":
                return await self.invite(requester, room_id, user_id, content)
            case "ban":
                return await self.ban(requester, room_id, user_id, content)
            case "leave" if by_oneself:
                return await self.leave(requester, room_id, content)
            case "leave":
                return await self._remove(requester, room_id, user_id, content)
        raise BadJsonError("membership must be one of join, invite, knock, leave, ban")

    async def _remove(
        self, requester: Requester, room_id: str, user_id: str, content: Mapping[str, Any]
    ) -> str:
        room = await self.access.for_sending(requester, room_id)
        remove = self.unban if room.membership_of(user_id) == BAN else self.kick
        return await remove(requester, room_id, user_id, content)
