"""Server administration: `/admin/lock/{userId}`, `/admin/whois/{userId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.errors import MissingParamError
from homeserver.presentation.client.fields import flag
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.accounts.moderate_account import ModerateAccount
    from homeserver.application.accounts.who_is import WhoIs
    from homeserver.application.ports.device_store import Device
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_LOCK = "/_matrix/client/v1/admin/lock/{userId}"
_WHO_IS = "/_matrix/client/v3/admin/whois/{userId}"


def administration_routes(moderate: ModerateAccount, who_is: WhoIs) -> tuple[Route, ...]:
    """The routes; the use cases know whom administrators may look at."""

    async def get_lock(request: Request) -> Response:
        """Whether an account is locked."""
        locked = await moderate.is_locked(request.requester, request.params["userId"])
        return json_response({"locked": locked})

    async def put_lock(request: Request) -> Response:
        """Lock or unlock an account."""
        body = await request.json_object()
        if body.get("locked") is None:
            raise MissingParamError("locked is missing")
        locked = flag(body, "locked")
        await moderate.lock(request.requester, request.params["userId"], locked=locked)
        return json_response({"locked": locked})

    async def get_who_is(request: Request) -> Response:
        """When and from where a user's devices were last seen."""
        user_id = request.params["userId"]
        devices = await who_is(request.requester, user_id)
        shown = {device.device_id: _shown(device) for device in devices}
        return json_response({"user_id": user_id, "devices": shown})

    return (
        Route("GET", _LOCK, get_lock, Auth.ADMIN, "reads"),
        Route("PUT", _LOCK, put_lock, Auth.ADMIN, "devices"),
        Route("GET", _WHO_IS, get_who_is, Auth.USER, "reads", ("r0",)),
    )


def _shown(device: Device) -> dict[str, Any]:
    """One login for each device, of which the last connection is known."""
    seen = {"ip": device.last_seen_ip, "last_seen": device.last_seen_ts}
    connection = {key: value for key, value in seen.items() if value is not None}
    return {"sessions": [{"connections": [connection] if connection else []}]}
