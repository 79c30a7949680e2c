"""`/report`: what users report to the server's administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.presentation.client.fields import required_text, text
from homeserver.presentation.responses import empty_object
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.moderation.report_content import ReportContent
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_CLIENT = "/_matrix/client/v3"


def report_routes(reports: ReportContent) -> tuple[Route, ...]:
    """Reports of rooms, events and users."""

    async def report_room(request: Request) -> Response:
        """Report a room."""
        reason = required_text(await request.json_object(), "reason")
        await reports.room(request.requester, request.params["roomId"], reason)
        return empty_object()

    async def report_event(request: Request) -> Response:
        """Report an event."""
        reason = text(await request.json_object(), "reason") or ""
        params = request.params
        await reports.event(request.requester, params["roomId"], params["eventId"], reason)
        return empty_object()

    async def report_user(request: Request) -> Response:
        """Report a user."""
        reason = required_text(await request.json_object(), "reason")
        await reports.user(request.requester, request.params["userId"], reason)
        return empty_object()

    room = f"{_CLIENT}/rooms/{{roomId}}/report"
    user = f"{_CLIENT}/users/{{userId}}/report"
    return (
        Route("POST", room, report_room, Auth.USER, "rooms"),
        Route("POST", f"{room}/{{eventId}}", report_event, Auth.USER, "rooms", ("r0",)),
        Route("POST", user, report_user, Auth.USER, "rooms"),
    )
