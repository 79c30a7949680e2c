"""What every answer of /sync says of the keys that the server still holds for a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from homeserver.domain.devices.one_time_keys import SIGNED_CURVE25519

if TYPE_CHECKING:
    from homeserver.application.ports.one_time_key_store import KeyCounts, OneTimeKeyStore
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import Feed

_encode = msgspec.json.Encoder().encode


def _rendered(counts: KeyCounts | None) -> bytes:
    """The two members; some clients take an absent count for "unknown" (sync-points 24)."""
    one_time = {SIGNED_CURVE25519: 0, **(counts.one_time if counts is not None else {})}
    unused = list(counts.unused_fallback) if counts is not None else []
    return b'"device_one_time_keys_count":%b,"device_unused_fallback_key_types":%b' % (
        _encode(one_time),
        _encode(unused),
    )


NO_KEYS: Final = _rendered(None)


class KeyCountsPart:
    """Keeps the counts of a user's devices with the user's feed.

    They are read once for all devices, and again where keys were uploaded or handed out, on
    whatever worker; an answer takes the bytes.
    """

    def __init__(self, store: OneTimeKeyStore) -> None:
        """Read from here."""
        self._store = store

    async def refresh(self, feed: Feed) -> None:
        """Bring a feed's counts up to its last touch before this call."""
        touched = feed.counts_tick
        counts = await self._store.counts(feed.user_nid)
        if feed.counts_read > touched:
            return  # somebody was faster, with what is newer
        found = {device: _rendered(of_device) for device, of_device in counts.items()}
        for device in found.keys() | feed.counts.keys():
            if found.get(device) != feed.counts.get(device):
                feed.counts_moved[device] = touched
        feed.counts, feed.counts_read = found, touched

    def of(self, feed: Feed, device_nid: int) -> bytes:
        """The members of an answer to a device."""
        return feed.counts.get(device_nid, NO_KEYS)

    def is_news(self, span: Span) -> bool:
        """Whether the device may not know them yet.

        From a token of before this worker knew the user that cannot be told: a device with keys
        is answered at once then.
        """
        device, feed = span.requester.device_nid, span.feed
        if span.tick is None:
            return device in feed.counts
        return feed.counts_moved.get(device, 0) > span.tick
