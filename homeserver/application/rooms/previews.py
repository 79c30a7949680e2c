"""The gate for those who are not in a room: who may see what it shows of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.join_rules import join_rule_of, opens_to_knocks, rooms_that_admit
from homeserver.domain.rooms.membership import BAN, INVITE, JOIN, KNOCK
from homeserver.domain.rooms.room import HISTORY_VISIBILITY
from homeserver.domain.rooms.summary import summarise
from homeserver.domain.rooms.visibility import WORLD_READABLE

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.requester import Requester
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.summary import RoomSummary

_JOIN_RULES = ("m.room.join_rules", "")
_INVOLVED = frozenset({JOIN, INVITE, KNOCK})


class RoomPreviews:
    """Opens rooms for a look at their summary (client-server API, "Spaces", `/room_summary`)."""

    def __init__(self, access: RoomAccess) -> None:
        """Look rooms up here."""
        self._access = access

    async def room(self, room_id: str) -> Room:
        """A room, to ask about it here. Raises NotFoundError."""
        return await self._access.for_entering(room_id)

    async def may_see(self, room: Room, requester: Requester | None) -> bool:
        """Whether the requester, or (None) anybody, may see what a room shows of itself.

        So may who is in it, was invited or knocked; who could join or knock; and everybody
        where the world may read. Who is banned can neither join nor knock.
        """
        if room.content_of(HISTORY_VISIBILITY, "history_visibility") == WORLD_READABLE:
            return True
        membership = room.membership_of(requester.user_id) if requester is not None else None
        if membership == BAN:
            return False
        return membership in _INVOLVED or await self._opens(room, requester)

    async def _opens(self, room: Room, requester: Requester | None) -> bool:
        """Whether the join rules let the requester join or knock."""
        rules = room.state.get(_JOIN_RULES)
        content = rules.content if rules is not None else {}
        rule = join_rule_of(content)
        if rule == "public" or opens_to_knocks(room.version, rule):
            return True
        if requester is None:
            return False
        for admitting in rooms_that_admit(room.version, content):
            if await self._access.is_joined(requester.user_id, admitting):
                return True
        return False


def summary_of(room: Room) -> RoomSummary:
    """What the room shows of itself now."""
    return summarise(
        room.room_id,
        room.version,
        lambda event_type, state_key: room.state.get((event_type, state_key)),
        len(room.members),
    )
