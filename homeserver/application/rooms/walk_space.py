"""`GET /rooms/{roomId}/hierarchy`: the tree of a space, as the requester may see it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from homeserver.application.rooms.previews import summary_of
from homeserver.domain.events.client_format import stripped_state
from homeserver.domain.rooms.spaces import children_of
from homeserver.domain.shared.base64 import decode_base64, encode_base64_url
from homeserver.domain.shared.errors import ForbiddenError, InvalidParamError, NotFoundError
from homeserver.domain.shared.identifiers import is_room_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from homeserver.application.requester import Requester
    from homeserver.application.rooms.previews import RoomPreviews
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room

MAX_DEPTH: Final = 20
MAX_LOOKED_AT: Final = 2000
"""Rooms that one request looks at, shown or not: a tree has an end, whatever its events say."""
_TOKEN = re.compile(r"1 ([01]) ([0-9]{1,4}) ([0-9]{1,9}) (.+)").fullmatch


@dataclass(frozen=True, slots=True)
class SpaceQuery:
    """What a client asks of a space; None where it does not say."""

    limit: int
    suggested_only: bool | None = None
    max_depth: int | None = None
    start: str | None = None


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk and how many of its rooms were given already."""

    suggested_only: bool
    max_depth: int
    given: int


class WalkSpace:
    """Walks depth first, in the children's order, through what the requester may see.

    Each room is given once, which breaks circles. The walk is the same for every page, and a
    token says how many rooms were given: so any worker can go on.
    """

    def __init__(self, previews: RoomPreviews) -> None:
        """Look at rooms through this gate."""
        self._previews = previews

    async def __call__(
        self, requester: Requester, room_id: str, query: SpaceQuery
    ) -> dict[str, Any]:
        """Return the page as the specification's object.

        Raises ForbiddenError for a space that the requester may not see; InvalidParamError for
        a token that is none, or is of another space or other parameters.
        """
        walk = _begin(room_id, query)
        rooms: list[dict[str, Any]] = []
        to_skip, more = walk.given, False
        async for room, children in self._walk(requester, room_id, walk):
            if to_skip:
                to_skip -= 1
            elif len(rooms) == query.limit:
                more = True
                break
            else:
                rooms.append(_entry(room, children))
        page: dict[str, Any] = {"rooms": rooms}
        if more:
            page["next_batch"] = _token(room_id, walk, walk.given + len(rooms))
        return page

    async def _walk(
        self, requester: Requester, root: str, walk: _Walk
    ) -> AsyncIterator[tuple[Room, list[Event]]]:
        """Each room with its children; the root first."""
        pending, seen = [(root, 0)], {root}
        looked_at = 0
        while pending and looked_at < MAX_LOOKED_AT:
            room_id, depth = pending.pop()
            looked_at += 1
            room = await self._visible(requester, room_id)
            if room is None:
                if depth == 0:
                    raise ForbiddenError("You are not allowed to view this room.")
                continue
            children = _children(room, suggested_only=walk.suggested_only)
            yield room, children
            if depth < walk.max_depth:
                new = [c for e in children if is_room_id(c := e.state_key) and c not in seen]
                seen.update(new)
                pending += [(child, depth + 1) for child in reversed(new)]
                del pending[:-MAX_LOOKED_AT]  # never reached

    async def _visible(self, requester: Requester, room_id: str) -> Room | None:
        try:
            room = await self._previews.room(room_id)
        except NotFoundError:
            return None
        return room if await self._previews.may_see(room, requester) else None


def _children(room: Room, *, suggested_only: bool) -> list[Event]:
    if not summary_of(room).is_space:
        return []
    return children_of(room.state, suggested_only=suggested_only)


def _entry(room: Room, children: list[Event]) -> dict[str, Any]:
    """The object `SpaceHierarchyRoomsChunk`."""
    stripped = [
        {**stripped_state(event), "origin_server_ts": event.origin_server_ts} for event in children
    ]
    return {**summary_of(room).full(), "children_state": stripped}


def _begin(room_id: str, query: SpaceQuery) -> _Walk:
    if query.start is None:
        depth = MAX_DEPTH if query.max_depth is None else query.max_depth
        return _Walk(bool(query.suggested_only), depth, 0)
    walk = _read_token(room_id, query.start)
    asked = query.suggested_only, query.max_depth
    held = walk.suggested_only, walk.max_depth
    if any(a is not None and a != h for a, h in zip(asked, held, strict=True)):
        raise InvalidParamError("suggested_only and max_depth cannot change on paginated requests")
    return walk


def _token(room_id: str, walk: _Walk, given: int) -> str:
    text = f"1 {int(walk.suggested_only)} {walk.max_depth} {given} {_mark(room_id)}"
    return encode_base64_url(text.encode())


def _read_token(room_id: str, token: str) -> _Walk:
    try:
        match = _TOKEN(decode_base64(token).decode())
    except ValueError:
        match = None
    if match is None or match[4] != _mark(room_id):
        raise InvalidParamError("from is no token of this space")
    return _Walk(match[1] == "1", int(match[2]), int(match[3]))


def _mark(room_id: str) -> str:
    return encode_base64_url(blake2b(room_id.encode(), digest_size=8).digest())
