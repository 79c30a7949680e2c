"""`PUT /rooms/{roomId}/send/{eventType}/{txnId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.compose import NewEvent, Transaction
from homeserver.application.rooms.redact_event import REDACTION
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.redact_event import RedactEvent
    from homeserver.application.rooms.send_event import SendEvent
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_PATH = "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}"


def send_routes(send_event: SendEvent, redact_event: RedactEvent) -> tuple[Route, ...]:
    """The one route of this endpoint; redactions sent here do what redactions do."""

    async def put_send(request: Request) -> Response:
        """Send a message or other event, once per transaction id."""
        content = await request.json_object()
        room_id, event_type = request.params["roomId"], request.params["eventType"]
        requester = request.requester
        scope = f"PUT rooms/{room_id}/send/{event_type}"
        txn = Transaction.of(requester, scope, request.params["txnId"])
        target = content.get("redacts")
        if event_type == REDACTION and isinstance(target, str):
            rest = {key: value for key, value in content.items() if key != "redacts"}
            event_id = await redact_event(requester, room_id, target, rest, txn)
        else:
            event_id = await send_event(requester, room_id, NewEvent(event_type, content), txn)
        return json_response({"event_id": event_id})

    return (Route("PUT", _PATH, put_send, Auth.GUEST, limit="messages", versions=("r0",)),)
