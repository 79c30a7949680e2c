"""`PUT /rooms/{roomId}/send/{eventType}/{txnId}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.rooms.compose import NewEvent, Transaction
from homeserver.application.rooms.redact_event import REDACTION
from homeserver.presentation.client.delayed_events import wanted_delay
from homeserver.presentation.client.massaging import timed_requester
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.delayed.schedule import ScheduleEvent
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.sending import RedactsEvents, SendsEvents
    from homeserver.domain.shared.json import JsonObject
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_PATH = "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}"


@dataclass(frozen=True, slots=True)
class SendMessage:
    """What `PUT …/send/…` does, over HTTP and over a socket."""

    send_event: SendsEvents
    redact_event: RedactsEvents

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        new: NewEvent,
        txn_id: str,
    ) -> JsonObject:
        """Send once per transaction id; redactions sent here do what redactions do."""
        txn = Transaction.of(requester, f"PUT rooms/{room_id}/send/{new.type}", txn_id)
        target = new.content.get("redacts")
        if new.type == REDACTION and isinstance(target, str):
            rest = {key: value for key, value in new.content.items() if key != "redacts"}
            event_id = await self.redact_event(requester, room_id, target, rest, txn)
        else:
            event_id = await self.send_event(requester, room_id, new, txn)
        return {"event_id": event_id}


def send_routes(send_message: SendMessage, schedule: ScheduleEvent) -> tuple[Route, ...]:
    """The one route of this endpoint; with a delay the event is scheduled."""

    async def put_send(request: Request) -> Response:
        """Send a message or other event, once per transaction id."""
        new = NewEvent(request.params["eventType"], await request.json_object())
        room_id, txn_id = request.params["roomId"], request.params["txnId"]
        delay_ms = wanted_delay(request)
        if delay_ms is not None:
            txn = Transaction.of(request.requester, f"PUT rooms/{room_id}/later/{new.type}", txn_id)
            delay_id = await schedule(request.requester, room_id, new, delay_ms, txn)
            return json_response({"delay_id": delay_id})
        return json_response(await send_message(timed_requester(request), room_id, new, txn_id))

    return (Route("PUT", _PATH, put_send, Auth.GUEST, limit="messages", versions=("r0",)),)
