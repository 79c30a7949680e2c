"""Taking a deactivated user out of every room."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from homeserver.domain.rooms.membership import INVITE, JOIN, KNOCK
from homeserver.domain.shared.errors import ForbiddenError

if TYPE_CHECKING:
    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.leave_room import LeaveRoom
    from homeserver.application.rooms.registry import RoomRegistry

_log = logging.getLogger(__name__)
PRESENT = frozenset({JOIN, INVITE, KNOCK})


class LeaveAllRooms:
    """Leaves, rejects and retracts, room by room."""

    def __init__(self, rooms: RoomRegistry, memberships: MembershipStore, leave: LeaveRoom) -> None:
        """Leave by this use case."""
        self._rooms = rooms
        self._memberships = memberships
        self._leave = leave

    async def __call__(self, requester: Requester) -> None:
        """Leave every room that the requester is in or was asked into."""
        for place in await self._memberships.places(requester.user_nid):
            if place.membership not in PRESENT:
                continue
            room = await self._rooms.get_by_nid(place.room_nid)
            try:
                await self._leave(requester, room.room_id, {})
            except ForbiddenError as error:  # removed by somebody else meanwhile
                _log.info("A room was not left: %s", error.message)
