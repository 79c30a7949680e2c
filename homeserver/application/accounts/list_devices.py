"""The requester's devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.device_store import Device, DeviceStore
    from homeserver.application.requester import Requester


@dataclass(frozen=True, slots=True)
class ListDevices:
    """Looks at the requester's own devices; there is no way to anybody else's."""

    devices: DeviceStore

    async def __call__(self, requester: Requester) -> Sequence[Device]:
        """All of them, by id."""
        return await self.devices.list_of(requester.user_nid)

    async def one(self, requester: Requester, device_id: str) -> Device:
        """One of them; NotFoundError where there is none."""
        device = await self.devices.find(requester.user_nid, device_id)
        if device is None:
            raise NotFoundError("No such device")
        return device
