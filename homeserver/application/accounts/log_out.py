"""Logging out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.application.accounts.remove_devices import RemoveDevices
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester


@dataclass(frozen=True, slots=True)
class LogOut:
    """Ends the requester's session, or all of them; the devices go with them."""

    remove_devices: RemoveDevices
    writer: Writer

    async def __call__(self, requester: Requester, *, everywhere: bool = False) -> None:
        """Log out; no token of the removed devices is good when this returns."""
        removal, user_nid = self.remove_devices, requester.user_nid
        if everywhere:
            await self.writer.submit(await removal.others(user_nid))
        else:
            await self.writer.submit(await removal.these(user_nid, [requester.device_nid]))
