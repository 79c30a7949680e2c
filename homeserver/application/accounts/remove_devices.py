"""Removing devices: how sessions end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from homeserver.application.ports.account_listeners import DeviceListener
    from homeserver.application.ports.device_store import DeviceStore
    from homeserver.application.ports.session_cache import SessionCache
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class RemoveDevices:
    """Takes devices away with their tokens and all that belongs to them."""

    devices: DeviceStore
    cache: SessionCache
    listeners: Sequence[DeviceListener] = ()

    def write(self, draft: Draft, user_nid: int, device_nids: Iterable[int]) -> None:
        """Add it to a batch; devices that are gone already are no error."""
        for device_nid in device_nids:
            self.devices.remove(draft, user_nid, device_nid)
            for listener in self.listeners:
                listener.removed(draft, user_nid, device_nid)
        draft.touch_user(user_nid)
        draft.on_commit(lambda: self.cache.invalidate_user(user_nid))

    async def others(self, user_nid: int, but: int = 0) -> Callable[[Draft], None]:
        """Find all devices of a user but one; what it returns adds their removal to a batch.

        Those that are added until then are removed too.
        """
        nids = [d.nid for d in await self.devices.list_of(user_nid) if d.nid != but]

        def write(draft: Draft) -> None:
            self.write(draft, user_nid, nids)
            self.devices.remove_others(draft, user_nid, but)
            for listener in self.listeners:
                listener.others_removed(draft, user_nid, but)

        return write
