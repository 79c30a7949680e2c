"""Reports of rooms, events and users (client-server API, "Reporting Content")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeserver.application.ports.report_store import Report
from homeserver.application.rooms.get_event import visible_event
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.shared.errors import (
    ForbiddenError,
    InvalidParamError,
    NotFoundError,
    TooLargeError,
)
from homeserver.domain.shared.identifiers import domain_of, is_user_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.report_store import ReportStore
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.ports.users import Users
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft

MAX_REASON: Final = 16 * 1024
"""Bytes."""
_NO_EVENT: Final = "The event was not found or you are not joined to the room."


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Keeps what users report; `new_nid` gives internal ids."""

    access: RoomAccess
    timeline: TimelineStore
    users: Users
    reports: ReportStore
    writer: Writer
    new_nid: Callable[[], int]

    async def room(self, requester: Requester, room_id: str, reason: str) -> None:
        """Report a room, whether or not one is in it. Raises NotFoundError, TooLargeError."""
        room = await self.access.for_entering(room_id)
        await self._keep(requester, reason, room_id=room.room_id)

    async def event(self, requester: Requester, room_id: str, event_id: str, reason: str) -> None:
        """Report an event of a room that one is in. Raises NotFoundError, TooLargeError."""
        try:
            view = await self.access.for_reading(requester, room_id)
        except ForbiddenError:
            raise NotFoundError(_NO_EVENT) from None
        if view.membership != JOIN:
            raise NotFoundError(_NO_EVENT)
        item = await visible_event(self.timeline, view, event_id)
        event = item.event
        await self._keep(requester, reason, room_id=view.room.room_id, event_id=event.event_id)

    async def user(self, requester: Requester, user_id: str, reason: str) -> None:
        """Report a user of this server, or one of another that this server has heard of.

        Raises InvalidParamError, NotFoundError, TooLargeError.
        """
        if not is_user_id(user_id):
            raise InvalidParamError("Not a user id")
        if domain_of(user_id) == domain_of(requester.user_id):
            known = await self.users.exists_locally(user_id)
        else:
            known = await self.users.nid_of(user_id, create=False) is not None
        if not known:
            raise NotFoundError("User not found")
        await self._keep(requester, reason, user_id=user_id)

    async def _keep(
        self,
        requester: Requester,
        reason: str,
        *,
        room_id: str | None = None,
        event_id: str | None = None,
        user_id: str | None = None,
    ) -> None:
        if len(reason.encode()) > MAX_REASON:
            raise TooLargeError("The reason is too long")
        nid, reporter = self.new_nid(), requester.user_nid

        def change(draft: Draft) -> None:
            report = Report(nid, draft.now, reporter, reason, room_id, event_id, user_id)
            self.reports.add(draft, report)

        await self.writer.submit(change)
