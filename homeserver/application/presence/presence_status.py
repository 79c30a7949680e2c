"""`GET` and `PUT /presence/{userId}/status`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.presence.content import presence_content
from homeserver.domain.presence.presence import MAX_STATUS, OFFLINE, STATES
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.shared.errors import ForbiddenError, InvalidParamError, NotFoundError

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.ports.users import Users
    from homeserver.application.presence.board import PresenceBoard
    from homeserver.application.requester import Requester
    from homeserver.domain.shared.json import JsonObject


@dataclass(frozen=True, slots=True)
class PresenceStatus:
    """Reads and sets presence outside of /sync."""

    board: PresenceBoard
    memberships: MembershipStore
    users: Users
    clock: Clock

    async def put(
        self, requester: Requester, user_id: str, state: str, status_msg: str | None
    ) -> None:
        """Say how the requester is; nothing happens where presence is switched off.

        Raises ForbiddenError in another's name, InvalidParamError for a state that there is not
        and for a status message of more than `MAX_STATUS` characters.
        """
        if user_id != requester.user_id:
            raise ForbiddenError("You can only set your own presence")
        if state not in STATES:
            raise InvalidParamError(f"presence must be one of {', '.join(STATES)}")
        if status_msg is not None and len(status_msg) > MAX_STATUS:
            raise InvalidParamError(f"status_msg may have {MAX_STATUS} characters")
        if self.board.enabled():
            rooms = await self._joined(requester.user_nid)
            self.board.put(requester, state, status_msg, sorted(rooms))

    async def get(self, requester: Requester, user_id: str) -> JsonObject:
        """How a user is who shares a room with the requester.

        Raises ForbiddenError for anybody else, and NotFoundError where presence is switched off.
        """
        if not self.board.enabled():
            raise NotFoundError("There is no presence on this server")
        nid = await self.users.nid_of(user_id, create=False)
        if nid is None or not await self._may_see(requester, nid):
            raise ForbiddenError("You are not allowed to see their presence")
        person = self.board.find(nid)
        if person is None:
            return {"presence": OFFLINE}
        return presence_content(person, self.clock.now_ms())

    async def _may_see(self, requester: Requester, nid: int) -> bool:
        if nid == requester.user_nid:
            return True
        return bool(await self._joined(requester.user_nid) & await self._joined(nid))

    async def _joined(self, nid: int) -> set[int]:
        places = await self.memberships.places(nid)
        return {place.room_nid for place in places if place.membership == JOIN}
