"""`POST /rooms/{roomId}/forget`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.membership import can_forget
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.shared.errors import MatrixError

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft


class ForgetRoom:
    """Takes a room that the requester left off their list."""

    def __init__(
        self,
        access: RoomAccess,
        memberships: MembershipStore,
        writer: Writer,
        forgotten: Callable[[int, int], None],
    ) -> None:
        """Wire; `forgotten` hears user and room (internal ids) once it is durable."""
        self._access = access
        self._memberships = memberships
        self._writer = writer
        self._forgotten = forgotten

    async def __call__(self, requester: Requester, room_id: str) -> None:
        """Forget. Raises MatrixError (M_UNKNOWN) where the requester has not left."""
        room = await self._access.for_leaving(requester, room_id)
        user = requester.user_nid

        def change(draft: Draft) -> None:
            held = draft.room(room).state(MEMBER, requester.user_id)
            if held is None or not can_forget(held.membership):
                raise MatrixError(f"{requester.user_id} is in room {room_id}")
            self._memberships.forget(draft, user, room.nid)
            draft.on_commit(lambda: self._forgotten(user, room.nid))

        await self._writer.submit(change)
