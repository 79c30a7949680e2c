"""`/_firn/admin/v1/rooms/{roomId}/purge` and `…/purges/{purgeId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeserver.domain.shared.errors import InvalidParamError, MissingParamError
from homeserver.presentation.client.fields import integer, text
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.purging.get_purge import GetPurge
    from homeserver.application.purging.order_purge import OrderPurge
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_ROOM: Final = "/_firn/admin/v1/rooms/{roomId}"
LATEST_MS: Final = 2**53 - 1


def purge_routes(order: OrderPurge, get: GetPurge) -> tuple[Route, ...]:
    """Ordering a purge, and asking how far it is."""

    async def post_purge(request: Request) -> Response:
        """Purge a room's history before an event or a time."""
        room_id = request.params["roomId"]
        body = await request.json_object()
        event_id, ts = text(body, "before_event_id"), integer(body, "before_ts")
        if event_id is not None and ts is not None:
            raise InvalidParamError("before_event_id and before_ts exclude each other")
        if event_id is not None:
            purge_id = await order.before_event(room_id, event_id)
        elif ts is not None:
            if not 0 <= ts <= LATEST_MS:
                raise InvalidParamError("before_ts is no time in milliseconds")
            purge_id = await order.before_time(room_id, ts)
        else:
            raise MissingParamError("before_event_id or before_ts is missing")
        return json_response({"purge_id": purge_id})

    async def get_purge(request: Request) -> Response:
        """How far a purge is: positions of the room's log, cleared of all that were purged."""
        params = request.params
        purge, progress = await get(params["roomId"], params["purgeId"])
        return json_response(
            {
                "purge_id": purge.purge_id,
                "status": "complete" if progress.complete else "active",
                "ordered_ts": purge.ts,
                "total": purge.seq - purge.from_seq,
                "cleared": progress.cleared - purge.from_seq,
            }
        )

    return (
        Route("POST", f"{_ROOM}/purge", post_purge, Auth.ADMIN),
        Route("GET", f"{_ROOM}/purges/{{purgeId}}", get_purge, Auth.ADMIN, "reads"),
    )
