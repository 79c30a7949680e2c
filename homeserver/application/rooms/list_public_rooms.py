"""`/publicRooms`: pages of the room directory."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from homeserver.application.ports.directory_store import DirectoryFilter, DirectoryPlace
from homeserver.domain.shared.base64 import decode_base64, encode_base64_url
from homeserver.domain.shared.errors import InvalidParamError, NotFoundError

if TYPE_CHECKING:
    from homeserver.application.ports.directory_store import DirectoryStore, PublishedRoom
    from homeserver.application.ports.room_store import RoomStore

_TOKEN = re.compile(r"1([fb]) ([0-9]{1,18}) (!.+)")
MAX_WORDS: Final = 16
MAX_TYPES: Final = 32


@dataclass(frozen=True, slots=True)
class DirectoryQuery:
    """What a client asks of the directory; `server` None is this one."""

    limit: int
    since: str | None = None
    server: str | None = None
    wanted: DirectoryFilter = field(default_factory=DirectoryFilter)


def directory_filter(term: str, room_types: tuple[str | None, ...] | None) -> DirectoryFilter:
    """Read a search term, whose words must all occur. Raises InvalidParamError for long lists."""
    words = tuple(dict.fromkeys(term.split()))
    if len(words) > MAX_WORDS or (room_types is not None and len(room_types) > MAX_TYPES):
        raise InvalidParamError(f"At most {MAX_WORDS} words and {MAX_TYPES} room types")
    return DirectoryFilter(words, room_types)


class ListPublicRooms:
    """Lists published rooms, those with most members first."""

    def __init__(self, directory: DirectoryStore, rooms: RoomStore, server_name: str) -> None:
        """Read here."""
        self._directory = directory
        self._rooms = rooms
        self._server_name = server_name

    async def __call__(self, query: DirectoryQuery) -> dict[str, Any]:
        """Return the page as the specification's object.

        Raises InvalidParamError for a token that is none, NotFoundError for another server's
        directory.
        """
        if query.server is not None and query.server != self._server_name:
            raise NotFoundError(f"The directory of {query.server} cannot be reached from here")
        forwards, place = await self._place(query.since)
        page = await self._page(query, place, forwards=forwards)
        page["total_room_count_estimate"] = await self._directory.count(query.wanted)
        return page

    async def _page(
        self, query: DirectoryQuery, place: DirectoryPlace | None, *, forwards: bool
    ) -> dict[str, Any]:
        """One room more than wanted is read: whether it is there says if there is a next page."""
        limit = query.limit
        if forwards or place is None:
            found = await self._directory.after(query.wanted, place, limit + 1)
            rooms, earlier, later = found[:limit], place is not None, len(found) > limit
        else:
            found = await self._directory.before(query.wanted, place, limit + 1)
            rooms, earlier, later = found[-limit:], len(found) > limit, True
        page: dict[str, Any] = {"chunk": [room.chunk for room in rooms]}
        if rooms and later:
            page["next_batch"] = _token("f", rooms[-1])
        if rooms and earlier:
            page["prev_batch"] = _token("b", rooms[0])
        return page

    async def _place(self, since: str | None) -> tuple[bool, DirectoryPlace | None]:
        """The direction and the place that a token names."""
        if since is None:
            return True, None
        try:
            match = _TOKEN.fullmatch(decode_base64(since).decode())
        except ValueError:
            match = None
        room = await self._rooms.find(match[3]) if match is not None else None
        if match is None or room is None:
            raise InvalidParamError("since is no token of this directory")
        return match[1] == "f", DirectoryPlace(int(match[2]), room.nid)


def _token(direction: str, room: PublishedRoom) -> str:
    """Name a room's place: by its public id, internal ones are never shown."""
    text = f"1{direction} {room.place.joined} {room.chunk['room_id']}"
    return encode_base64_url(text.encode())
