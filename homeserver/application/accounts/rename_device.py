"""Naming a device; application services make theirs so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.accounts.errors import StaleError
from homeserver.application.ports.device_store import Device
from homeserver.domain.accounts.device import check_device_id, check_device_name
from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from homeserver.application.accounts.list_devices import ListDevices
    from homeserver.application.ports.nids import Nids
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class RenameDevice:
    """Gives one of the requester's devices another name."""

    list_devices: ListDevices
    writer: Writer
    nids: Nids

    async def __call__(self, requester: Requester, device_id: str, name: object) -> bool:
        """Set the name; None leaves it as it is. Whether the device was made by this.

        NotFoundError where there is no such device; an application service makes it then
        ("Creating devices").
        """
        checked = None if name is None else check_device_name(name)
        try:
            device = await self.list_devices.one(requester, device_id)
        except NotFoundError:
            if requester.appservice is None:
                raise
            return await self._make(requester, check_device_id(device_id), checked)
        if checked is not None:
            await self._name(requester, device, checked)
        return False

    async def _name(self, requester: Requester, device: Device, checked: str) -> None:
        def change(draft: Draft) -> None:
            self.list_devices.devices.rename(draft, device.nid, checked)
            draft.touch_user(requester.user_nid)

        await self.writer.submit(change)

    async def _make(self, requester: Requester, device_id: str, name: str | None) -> bool:
        device = Device(self.nids.new_nid(), requester.user_nid, device_id, name)

        def change(draft: Draft) -> None:
            self.list_devices.devices.add(draft, device)
            draft.touch_user(requester.user_nid)

        try:
            await self.writer.submit(change, conflict=StaleError())
        except StaleError:  # made by a request at the same time
            return False
        return True
