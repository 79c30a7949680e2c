"""`POST /rooms/{roomId}/join`, and joins by a member event of one's own."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from homeserver.domain.rooms.join_rules import rooms_that_admit
from homeserver.domain.rooms.member_steps import TO_JOIN
from homeserver.domain.rooms.membership import INVITE, JOIN
from homeserver.domain.shared.identifiers import domain_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomAccess
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.change_member import ChangeMember
    from homeserver.application.user_data.carry_settings import CarrySettings
    from homeserver.domain.rooms.room import Room

_JOIN_RULES = ("m.room.join_rules", "")


class JoinRoom:
    """Lets the requester join a room that this server is in."""

    def __init__(
        self,
        access: RoomAccess,
        change_member: ChangeMember,
        carry: CarrySettings | None = None,
    ) -> None:
        """Wire; with `carry` a replaced room's settings come along."""
        self._access = access
        self._change = change_member
        self._carry = carry

    async def __call__(self, requester: Requester, room_id: str, extra: Mapping[str, Any]) -> str:
        """Return the id of the join; `extra` is further content of it.

        Raises NotFoundError for an unknown room, ForbiddenError where the join rules do not
        admit the requester, and GuestAccessForbiddenError.
        """
        room = await self._access.for_entering(room_id)
        authoriser = await self._authoriser(requester, room)
        enters = room.membership_of(requester.user_id) != JOIN
        event_id = await self._change(
            requester, room, requester.user_id, TO_JOIN, extra, authoriser=authoriser
        )
        if enters and self._carry is not None:
            await self._carry(requester, room)
        return event_id

    async def _authoriser(self, requester: Requester, room: Room) -> str | None:
        """The local member in whose name a restricted room admits the requester, if any."""
        rules = room.state.get(_JOIN_RULES)
        if rules is None or room.membership_of(requester.user_id) in {INVITE, JOIN}:
            return None
        for admitting in rooms_that_admit(room.version, rules.content):
            if await self._access.is_joined(requester.user_id, admitting):
                return _who_may_invite(room, domain_of(requester.user_id))
        return None


def _who_may_invite(room: Room, server_name: str) -> str | None:
    """A local member with the power to invite; those with a level of their own come first."""
    levels = room.levels
    for user_id in chain(levels.users, room.members):
        may = levels.of_user(user_id) >= levels.invite
        if may and user_id in room.members and domain_of(user_id) == server_name:
            return user_id
    return None
