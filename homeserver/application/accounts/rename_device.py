"""Naming a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.accounts.device import check_device_name

if TYPE_CHECKING:
    from homeserver.application.accounts.list_devices import ListDevices
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class RenameDevice:
    """Gives one of the requester's devices another name."""

    list_devices: ListDevices
    writer: Writer

    async def __call__(self, requester: Requester, device_id: str, name: object) -> None:
        """Set the name; None leaves it as it is. NotFoundError where there is no such device."""
        device = await self.list_devices.one(requester, device_id)
        if name is None:
            return
        checked = check_device_name(name)

        def change(draft: Draft) -> None:
            self.list_devices.devices.rename(draft, device.nid, checked)
            draft.touch_user(requester.user_nid)

        await self.writer.submit(change)
