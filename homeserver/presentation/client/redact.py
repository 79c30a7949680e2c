"""`PUT /rooms/{roomId}/redact/{eventId}/{txnId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.compose import Transaction
from homeserver.presentation.client.fields import text
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.sending import RedactsEvents
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_PATH = "/_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}"


def redact_routes(redact_event: RedactsEvents) -> tuple[Route, ...]:
    """The one route of this endpoint."""

    async def put_redact(request: Request) -> Response:
        """Strip an event of its content."""
        body = await request.json_object(optional=True)
        text(body, "reason")
        room_id, target = request.params["roomId"], request.params["eventId"]
        scope = f"PUT rooms/{room_id}/redact/{target}"
        txn = Transaction.of(request.requester, scope, request.params["txnId"])
        rest = {key: value for key, value in body.items() if key != "redacts"}
        event_id = await redact_event(request.requester, room_id, target, rest, txn)
        return json_response({"event_id": event_id})

    return (Route("PUT", _PATH, put_redact, Auth.USER, limit="messages", versions=("r0",)),)
