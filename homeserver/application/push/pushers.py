"""`GET /pushers` and `POST /pushers/set`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from homeserver.application.ports.pusher_store import StoredPusher
from homeserver.domain.push.pusher import PusherId
from homeserver.domain.shared.errors import TooLargeError

if TYPE_CHECKING:
    from homeserver.application.ports.pusher_store import PusherStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft

MAX_PUSHERS: Final = 100
"""Of one user."""
MAX_BYTES: Final = 16 * 1024
"""Bytes of one pusher."""
_encode = msgspec.json.Encoder().encode


class Pushers:
    """What users do with their pushers."""

    def __init__(self, store: PusherStore, writer: Writer) -> None:
        """Keep them here."""
        self._store = store
        self._writer = writer

    async def list_of(self, user_nid: int) -> bytes:
        """A user's pushers as a JSON list, oldest first."""
        found = await self._store.of_user(user_nid)
        return b"[%b]" % b",".join(each.body for each in found)

    async def put(self, requester: Requester, pusher: dict[str, Any], *, append: bool) -> None:
        """Add or replace a pusher; without `append` it is taken from all other users.

        It ends with the device that set it. Raises TooLargeError beyond the limits.
        """
        body = _encode(pusher)
        key = PusherId(pusher["app_id"], pusher["pushkey"]).key
        held = await self._store.of_user(requester.user_nid)
        if len(body) > MAX_BYTES:
            raise TooLargeError("The pusher is too large")
        if len(held) >= MAX_PUSHERS and all(each.key != key for each in held):
            raise TooLargeError("Too many pushers")

        def change(draft: Draft) -> None:
            if not append:
                self._store.delete_of_others(draft, requester.user_nid, key)
            new = StoredPusher(requester.user_nid, key, requester.device_nid, draft.now, body)
            self._store.put(draft, new)
            draft.touch_pushers(requester.user_nid)

        await self._writer.submit(change)

    async def delete(self, user_nid: int, pusher: PusherId) -> None:
        """Take a pusher away, where it is there."""
        await self._writer.submit(lambda draft: self._store.delete(draft, user_nid, pusher.key))


@dataclass(frozen=True, slots=True)
class RemovePushers:
    """Pushers end with their devices; see `ports.account_listeners.DeviceListener`."""

    store: PusherStore

    def removed(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """See `DeviceListener.removed`."""
        self.store.delete_of_device(draft, user_nid, device_nid)

    def others_removed(self, draft: Draft, user_nid: int, but: int) -> None:
        """See `DeviceListener.others_removed`."""
        self.store.delete_of_other_devices(draft, user_nid, but)
