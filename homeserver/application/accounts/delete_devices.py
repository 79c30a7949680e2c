"""Deleting devices, once the requester has shown that it is them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from homeserver.application.accounts.confirm_identity import ConfirmIdentity
    from homeserver.application.accounts.interactive_auth import UiaCall
    from homeserver.application.accounts.remove_devices import RemoveDevices
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class DeleteDevices:
    """Deletes some of the requester's devices."""

    confirm: ConfirmIdentity
    remove_devices: RemoveDevices
    writer: Writer

    async def __call__(
        self, requester: Requester, device_ids: Collection[str], call: UiaCall, client: str
    ) -> None:
        """Delete them; ids that the requester has no device for are no error.

        Application services need not show anything ("Deleting devices").
        """
        spend = None
        if requester.appservice is None:
            spend = await self.confirm(requester, call, client)
        wanted = frozenset(device_ids)
        devices = await self.remove_devices.devices.list_of(requester.user_nid)
        nids = [d.nid for d in devices if d.device_id in wanted]
        remove = await self.remove_devices.these(requester.user_nid, nids)

        def change(draft: Draft) -> None:
            if spend is not None:
                spend(draft)
            remove(draft)

        await self.writer.submit(change)
