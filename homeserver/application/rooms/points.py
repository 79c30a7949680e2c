"""What pagination parameters point at: `t1_…` tokens, and sync tokens too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.sync.position import RoomPosition, decode_position, just_after
from homeserver.domain.sync.token import StaleToken, decode_token, is_sync_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.requester import Requester
    from homeserver.application.rooms.timeline_reader import TimelineReader
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.sync.position import RoomPoint


class Points:
    """Reads tokens. `generation` gives the store's current generation."""

    def __init__(self, reader: TimelineReader, generation: Callable[[], bytes]) -> None:
        """Find the positions of sync tokens with this reader."""
        self._reader = reader
        self._generation = generation

    async def point(self, requester: Requester, room: Room, text: str) -> RoomPoint:
        """The point in the room that a token stands for.

        A sync token stands for the point after the last event that its holder has seen. Of
        a token from before a fail-over the vector is taken as it is: what it covers beyond
        the old store's end was never seen here, so a client may get an event twice, but
        misses none. Raises InvalidParamError.
        """
        if not is_sync_token(text):
            return decode_position(text)
        token = decode_token(text, user=requester.user_nid, generation=self._generation())
        if isinstance(token, StaleToken):
            token = token.token
        seq = await self._reader.position_at(room, token.vector)
        return just_after(RoomPosition(seq))
