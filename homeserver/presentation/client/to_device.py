"""`PUT /sendToDevice/{eventType}/{txnId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeserver.domain.shared.errors import MissingParamError
from homeserver.presentation.responses import empty_object
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.to_device.send_to_device import SendToDevice
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_PATH = "/_matrix/client/v3/sendToDevice/{eventType}/{txnId}"
MAX_BODY: Final = 8 * 1024 * 1024
"""A room key for ten thousand devices fits."""


def to_device_routes(send_to_device: SendToDevice) -> tuple[Route, ...]:
    """The one route of this endpoint."""

    async def put_send_to_device(request: Request) -> Response:
        """Send messages to devices of any users, once per transaction id."""
        body, params = await request.json_object(), request.params
        if "messages" not in body:
            raise MissingParamError("messages is missing")
        requester = request.requester
        await send_to_device(requester, params["eventType"], params["txnId"], body["messages"])
        return empty_object()

    return (
        Route(
            "PUT", _PATH, put_send_to_device, Auth.GUEST, "to_device", ("r0",), max_body=MAX_BODY
        ),
    )
