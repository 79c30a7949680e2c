"""Inboxes end with their devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.application.ports.to_device_store import ToDeviceStore
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class RemoveInboxes:
    """See `application.ports.account_listeners.DeviceListener`."""

    store: ToDeviceStore

    def removed(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """See `DeviceListener.removed`."""
        self.store.remove(draft, user_nid, device_nid)

    def others_removed(self, draft: Draft, user_nid: int, but: int) -> None:
        """See `DeviceListener.others_removed`."""
        self.store.remove_others(draft, user_nid, but)
