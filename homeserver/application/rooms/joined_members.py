"""`GET /rooms/{roomId}/joined_members`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.shared.canonical_json import encode_canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.access import RoomAccess
    from homeserver.application.memo import Memo
    from homeserver.application.requester import Requester
    from homeserver.domain.appservices.services import Services
    from homeserver.domain.rooms.room import Member, Room

_KEY: Final = "joined_members"
MANY: Final = 500
"""Members from which asking the other workers' cache costs less than writing the list."""
_KEEP_SECONDS: Final = 3600


class JoinedMembers:
    """Lists who is in a room, by name and picture."""

    def __init__(self, access: RoomAccess, memo: Memo, services: Callable[[], Services]) -> None:
        """Read with these."""
        self._access = access
        self._services = services
        self._memo = memo

    async def __call__(self, requester: Requester, room_id: str) -> bytes:
        """The body of the answer, made once for all until the room's state changes.

        An application service may ask where any of its users is. Raises ForbiddenError.
        """
        service = self._services().by_id.get(requester.appservice or "")
        if service is None:
            room = await self._access.for_members(requester, room_id)
        else:
            room = await self._access.for_any_of(requester, service.has_user, room_id)
        body = room.cached.get(_KEY)
        if body is None:
            rev = room.head.rev
            body = await self._of_many(room) if len(room.members) >= MANY else _body(room)
            if room.head.rev == rev:
                room.cached[_KEY] = body
        return body

    async def _of_many(self, room: Room) -> bytes:
        async def make() -> bytes:
            return _body(room)

        key = f"{_KEY} {room.nid}"
        return await self._memo.get(key, room.head.rev, _KEEP_SECONDS, make)


def _body(room: Room) -> bytes:
    joined = {user_id: _profile(member) for user_id, member in room.members.items()}
    return encode_canonical({"joined": joined})


def _profile(member: Member) -> dict[str, Any]:
    content = member.event.content
    named = {"display_name": content.get("displayname"), "avatar_url": content.get("avatar_url")}
    return {key: value for key, value in named.items() if isinstance(value, str)}
