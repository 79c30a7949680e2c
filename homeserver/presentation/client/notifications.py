"""The list of notifications (Client-Server API, "Listing Notifications")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from homeserver.application.push.list_notifications import decode_mark, encode_mark
from homeserver.application.rooms.render import event_bytes
from homeserver.presentation.responses import json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.push.list_notifications import ListNotifications, Notification
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
_encode = msgspec.json.Encoder().encode


def notification_routes(notifications: ListNotifications) -> tuple[Route, ...]:
    """What the requester was notified of."""

    async def get_notifications(request: Request) -> Response:
        """Page through what one was notified of."""
        start = request.param("from")
        page = await notifications(
            request.requester,
            decode_mark(start) if start is not None else None,
            request.int_param("limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
            highlights=request.param("only") == "highlight",
        )
        listed = b",".join(_json(each, request.requester.device_nid) for each in page.found)
        if page.next is None:
            return json_bytes(b'{"notifications":[%b]}' % listed)
        token = encode_mark(page.next).encode()
        return json_bytes(b'{"next_token":"%b","notifications":[%b]}' % (token, listed))

    path = "/_matrix/client/v3/notifications"
    return (Route("GET", path, get_notifications, Auth.USER, "reads", ("r0",)),)


def _json(each: Notification, device_nid: int) -> bytes:
    event = event_bytes(
        each.item, membership=each.membership, device_nid=device_nid, with_room_id=False
    )
    tweaks = [{"set_tweak": name, "value": value} for name, value in each.actions.tweaks.items()]
    return b'{"actions":%b,"event":%b,"read":%b,"room_id":%b,"ts":%d}' % (
        _encode(["notify", *tweaks]),
        event,
        _encode(each.read),
        _encode(each.room_id),
        each.item.event.origin_server_ts,
    )
