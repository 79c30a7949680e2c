"""What pagination parameters point at: `t1_…` tokens, and sync tokens too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.sync.position import RoomPosition, decode_position, just_after
from homeserver.domain.sync.token import StaleToken, decode_token, is_sync_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.log_reader import LogReader
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.timeline_reader import TimelineReader
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.sync.position import RoomPoint


class Points:
    """Reads tokens. `generation` gives the store's current generation."""

    def __init__(
        self, reader: TimelineReader, log: LogReader, generation: Callable[[], bytes]
    ) -> None:
        """Find the positions of sync tokens with these readers."""
        self._reader = reader
        self._log = log
        self._generation = generation

    async def point(self, requester: Requester, room: Room, text: str) -> RoomPoint:
        """The point in the room that a token stands for.

        A sync token stands for the point after the last event that its holder has seen; one
        from before a fail-over or a restore holds up to the floor of its store generation.
        Raises InvalidParamError.
        """
        if not is_sync_token(text):
            return decode_position(text)
        token = decode_token(text, user=requester.user_nid, generation=self._generation())
        if isinstance(token, StaleToken):
            vector = token.vector(await self._log.floor(token.token.generation))
        else:
            vector = token.vector
        seq = await self._reader.position_at(room, vector)
        return just_after(RoomPosition(seq))
