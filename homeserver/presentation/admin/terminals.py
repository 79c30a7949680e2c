"""`POST /_firn/admin/v1/users/{userId}/terminals/send`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.to_device.send_to_terminals import ONLINE_DEVICES, TerminalMessage
from homeserver.domain.shared.errors import BadJsonError, MissingParamError
from homeserver.domain.to_device.message import ALL_DEVICES
from homeserver.presentation.client.fields import required_text
from homeserver.presentation.responses import json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.to_device.send_to_terminals import SendToTerminals
    from homeserver.domain.shared.json import JsonObject
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_PATH = "/_firn/admin/v1/users/{userId}/terminals/send"


def terminal_routes(send_to_terminals: SendToTerminals) -> tuple[Route, ...]:
    """The one route; the use case decides who may send."""

    async def post_to_terminals(request: Request) -> Response:
        """Send a message to chosen terminals (devices) of a user, once per transaction id."""
        message = _message(await request.json_object())
        return json_bytes(
            await send_to_terminals(request.requester, request.params["userId"], message)
        )

    return (Route("POST", _PATH, post_to_terminals, Auth.GUEST, "to_device"),)


def _message(body: JsonObject) -> TerminalMessage:
    """Raises MissingParamError, BadJsonError."""
    content = body.get("content")
    if content is None:
        raise MissingParamError("content is missing")
    if not isinstance(content, dict):
        raise BadJsonError("content must be an object")
    return TerminalMessage(
        type=required_text(body, "type"),
        content=content,
        txn_id=required_text(body, "txn_id"),
        devices=_devices(body.get("devices")),
    )


def _devices(value: object) -> list[str] | str:
    if value is None:
        raise MissingParamError("devices is missing")
    if value in (ALL_DEVICES, ONLINE_DEVICES) and isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(device, str) for device in value):
        return list(value)
    raise BadJsonError(f'devices must be a list of ids, "{ALL_DEVICES}" or "{ONLINE_DEVICES}"')
