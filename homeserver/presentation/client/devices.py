"""One's own devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.errors import BadJsonError, MissingParamError
from homeserver.presentation.client.fields import list_of
from homeserver.presentation.client.uia import uia_call
from homeserver.presentation.middleware.rate_limits import client_key
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.accounts.delete_devices import DeleteDevices
    from homeserver.application.accounts.list_devices import ListDevices
    from homeserver.application.accounts.rename_device import RenameDevice
    from homeserver.application.ports.device_store import Device
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


@dataclass(frozen=True, slots=True)
class DeviceCases:
    """The use cases behind these endpoints."""

    list_devices: ListDevices
    rename: RenameDevice
    delete: DeleteDevices


def device_routes(cases: DeviceCases) -> tuple[Route, ...]:
    """`/devices`, `/delete_devices`."""

    async def get_devices(request: Request) -> Response:
        """List one's devices."""
        devices = await cases.list_devices(request.requester)
        return json_response({"devices": [_shown(device) for device in devices]})

    async def get_device(request: Request) -> Response:
        """Look at one of one's devices."""
        device = await cases.list_devices.one(request.requester, request.params["deviceId"])
        return json_response(_shown(device))

    async def put_device(request: Request) -> Response:
        """Rename a device; application services make them so."""
        body = await request.json_object()
        device_id, name = request.params["deviceId"], body.get("display_name")
        made = await cases.rename(request.requester, device_id, name)
        return json_response({}, 201 if made else 200)

    async def delete_device(request: Request) -> Response:
        """Remove a device and end its session."""
        body = await request.json_object(optional=True)
        return await _delete(request, [request.params["deviceId"]], body)

    async def post_delete_devices(request: Request) -> Response:
        """Remove several devices."""
        body = await request.json_object()
        if "devices" not in body:
            raise MissingParamError("devices is missing")
        device_ids = list_of(body, "devices")
        if not all(isinstance(device_id, str) for device_id in device_ids):
            raise BadJsonError("devices must be a list of strings")
        return await _delete(request, device_ids, body)

    async def _delete(request: Request, device_ids: list[str], body: dict[str, Any]) -> Response:
        call = uia_call(request, body)
        await cases.delete(request.requester, device_ids, call, client_key(request))
        return empty_object()

    v3 = "/_matrix/client/v3"
    one = f"{v3}/devices/{{deviceId}}"
    return (
        Route("GET", f"{v3}/devices", get_devices, Auth.GUEST, "reads", ("r0",)),
        Route("GET", one, get_device, Auth.GUEST, "reads", ("r0",)),
        Route("PUT", one, put_device, Auth.GUEST, "devices", ("r0",)),
        Route("DELETE", one, delete_device, Auth.USER, "devices", ("r0",)),
        Route("POST", f"{v3}/delete_devices", post_delete_devices, Auth.USER, "devices", ("r0",)),
    )


def _shown(device: Device) -> dict[str, Any]:
    shown = {
        "device_id": device.device_id,
        "display_name": device.display_name,
        "last_seen_ip": device.last_seen_ip,
        "last_seen_ts": device.last_seen_ts,
    }
    return {key: value for key, value in shown.items() if value is not None}
