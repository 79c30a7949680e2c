"""Removing devices: how sessions end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from homeserver.application.ports.account_listeners import DeviceListener, KeyedDevices
    from homeserver.application.ports.device_store import DeviceStore
    from homeserver.application.ports.session_cache import SessionCache
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class RemoveDevices:
    """Takes devices away with their tokens and all that belongs to them."""

    devices: DeviceStore
    cache: SessionCache
    listeners: Sequence[DeviceListener] = ()
    keyed: KeyedDevices | None = None

    async def these(self, user_nid: int, device_nids: Iterable[int]) -> Callable[[Draft], None]:
        """What adds the removal of some devices to a batch; those that are gone are no error."""
        nids = list(device_nids)
        tell = await self._tell(user_nid, nids)

        def write(draft: Draft) -> None:
            self._write(draft, user_nid, nids)
            if tell is not None:
                tell(draft)

        return write

    async def others(self, user_nid: int, but: int = 0) -> Callable[[Draft], None]:
        """Find all devices of a user but one; what it returns adds their removal to a batch.

        Those that are added until then are removed too.
        """
        nids = [d.nid for d in await self.devices.list_of(user_nid) if d.nid != but]
        these = await self.these(user_nid, nids)

        def write(draft: Draft) -> None:
            these(draft)
            self.devices.remove_others(draft, user_nid, but)
            for listener in self.listeners:
                listener.others_removed(draft, user_nid, but)

        return write

    async def all_for_ever(self, user_nid: int) -> Callable[[Draft], None]:
        """The same for all devices of a user who does not come back."""
        others = await self.others(user_nid)
        forget = None if self.keyed is None else await self.keyed.without_user(user_nid)

        def write(draft: Draft) -> None:
            others(draft)
            if forget is not None:
                forget(draft)

        return write

    async def _tell(
        self, user_nid: int, device_nids: Iterable[int]
    ) -> Callable[[Draft], None] | None:
        return None if self.keyed is None else await self.keyed.without(user_nid, device_nids)

    def _write(self, draft: Draft, user_nid: int, device_nids: Iterable[int]) -> None:
        for device_nid in device_nids:
            self.devices.remove(draft, user_nid, device_nid)
            for listener in self.listeners:
                listener.removed(draft, user_nid, device_nid)
        draft.touch_user(user_nid)
        draft.on_commit(lambda: self.cache.invalidate_user(user_nid))
