"""`GET /room_summary/{roomIdOrAlias}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.previews import summary_of
from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.previews import RoomPreviews
    from homeserver.application.rooms.resolve_alias import ResolveAlias


class GetSummary:
    """Describes a room to somebody who need not be in it."""

    def __init__(self, previews: RoomPreviews, resolve: ResolveAlias) -> None:
        """Look here."""
        self._previews = previews
        self._resolve = resolve

    async def __call__(self, requester: Requester | None, room: str) -> dict[str, Any]:
        """Return the object `RoomSummary` with the requester's membership, if there is one.

        Raises InvalidParamError; NotFoundError where there is no such room, and where the
        requester may not know of it.
        """
        found = await self._previews.room(await self._resolve.either(room))
        may_see = self._previews.may_see
        if not await may_see(found, requester) and not await may_see(found, None):
            raise NotFoundError("Room not found")
        summary = summary_of(found).full()
        membership = found.membership_of(requester.user_id) if requester is not None else None
        return summary if membership is None else {**summary, "membership": membership}
