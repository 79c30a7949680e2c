"""`GET /rooms/{roomId}/joined_members`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.canonical_json import encode_canonical

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.requester import Requester
    from homeserver.domain.rooms.room import Member, Room

_KEY = "joined_members"


class JoinedMembers:
    """Lists who is in a room, by name and picture."""

    def __init__(self, access: RoomAccess) -> None:
        """Read with this."""
        self._access = access

    async def __call__(self, requester: Requester, room_id: str) -> bytes:
        """The body of the answer, made once for all until the room changes.

        Raises ForbiddenError.
        """
        room = await self._access.for_members(requester, room_id)
        body = room.cached.get(_KEY)
        if body is None:
            body = room.cached[_KEY] = _body(room)
        return body


def _body(room: Room) -> bytes:
    joined = {user_id: _profile(member) for user_id, member in room.members.items()}
    return encode_canonical({"joined": joined})


def _profile(member: Member) -> dict[str, Any]:
    content = member.event.content
    named = {"display_name": content.get("displayname"), "avatar_url": content.get("avatar_url")}
    return {key: value for key, value in named.items() if isinstance(value, str)}
