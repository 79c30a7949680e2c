"""`GET /rooms/{roomId}/members`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.points import Points
    from homeserver.application.rooms.state_reader import StateReader
    from homeserver.domain.events.event import Event


class GetMembers:
    """Lists the member events of a room."""

    def __init__(self, access: RoomAccess, state: StateReader, points: Points) -> None:
        """Read with these."""
        self._access = access
        self._state = state
        self._points = points

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        *,
        at: str | None = None,
        membership: str | None = None,
        not_membership: str | None = None,
    ) -> list[Event]:
        """The members at token `at`, or as of now; only, or all but, those of a membership.

        Who fits either is given where both are named. Raises ForbiddenError, InvalidParamError.
        """
        view = await self._access.for_reading(requester, room_id)
        seq = view.until
        if at is not None:
            point = await self._points.point(requester, view.room, at)
            last = point.position.seq if point.after else point.position.seq - 1
            seq = min(seq, last)
        state = await self._state.whole(view.room, seq)
        return [
            event
            for (event_type, _), event in state.items()
            if event_type == MEMBER and _fits(event, membership, not_membership)
        ]


def _fits(event: Event, membership: str | None, not_membership: str | None) -> bool:
    """Whether a member is asked for: with both conditions either is enough (spec)."""
    if membership is None:
        return not_membership is None or event.membership != not_membership
    is_other = not_membership is not None and event.membership != not_membership
    return is_other or event.membership == membership
