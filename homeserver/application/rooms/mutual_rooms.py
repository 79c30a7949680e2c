"""`GET /mutual_rooms`: the rooms that two users are both in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.shared.identifiers import is_user_id

if TYPE_CHECKING:
    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.users import Users
    from homeserver.application.requester import Requester

PAGE: Final = 200
_TOKEN: Final = re.compile(r"u1_([0-9]{1,19})", re.ASCII)


class MutualRooms(NamedTuple):
    """A page of room ids, how many there are in all, and where the next page begins."""

    joined: list[str]
    total: int
    next: str | None


class ListMutualRooms:
    """Compares the memberships of two users, in three statements."""

    def __init__(self, memberships: MembershipStore, users: Users, store: RoomStore) -> None:
        """Read here."""
        self._memberships = memberships
        self._users = users
        self._store = store

    async def __call__(self, requester: Requester, user_id: str, start: str | None) -> MutualRooms:
        """Give a page, empty for a user who is not known here.

        Raises InvalidParamError for a bad token, for what is no user id, and for one's own.
        """
        if not is_user_id(user_id) or user_id == requester.user_id:
            raise InvalidParamError("user_id must be another user's id")
        after = _place(start)
        nid = await self._users.nid_of(user_id, create=False)
        if nid is None:
            return MutualRooms([], 0, None)
        both = sorted(await self._joined(requester.user_nid) & await self._joined(nid))
        left = [room for room in both if room > after]
        page = left[:PAGE]
        names = await self._store.room_ids(page) if page else {}
        token = f"u1_{page[-1]}" if len(left) > len(page) else None
        return MutualRooms([names[room] for room in page], len(both), token)

    async def _joined(self, user_nid: int) -> set[int]:
        places = await self._memberships.places(user_nid)
        return {place.room_nid for place in places if place.membership == JOIN}


def _place(token: str | None) -> int:
    """The internal id of the last room that was given; 0 for none."""
    if token is None:
        return 0
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise InvalidParamError("Malformed token")
    return int(found[1])
