"""Keys end with their devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from homeserver.application.keys.key_news import KeyNews
    from homeserver.application.ports.key_store import CrossSigningStore, KeyStore
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class RemoveKeys:
    """See `application.ports.account_listeners.DeviceListener`."""

    store: KeyStore

    def removed(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """See `DeviceListener.removed`."""
        self.store.remove(draft, user_nid, device_nid)

    def others_removed(self, draft: Draft, user_nid: int, but: int) -> None:
        """See `DeviceListener.others_removed`."""
        self.store.remove_others(draft, user_nid, but)


@dataclass(frozen=True, slots=True)
class KeysOfDevices:
    """See `application.ports.account_listeners.KeyedDevices`."""

    store: KeyStore
    users: CrossSigningStore
    news: KeyNews

    async def without(
        self, user_nid: int, device_nids: Iterable[int]
    ) -> Callable[[Draft], None] | None:
        """See `KeyedDevices.without`."""
        if not set(device_nids) & set(await self.store.with_keys(user_nid)):
            return None
        return await self.news.of(user_nid)

    async def without_user(self, user_nid: int) -> Callable[[Draft], None] | None:
        """See `KeyedDevices.without_user`."""
        keys = await self.users.cross_signing(user_nid)
        if not keys:
            return None
        tell = await self.news.of(user_nid)

        def write(draft: Draft) -> None:
            for key in keys.values():
                self.users.drop_cross_signing(draft, user_nid, key)
            tell(draft)

        return write
