"""The cache in the memory of one process: alone, or as the first of two levels."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.application.ports.clock import Clock

OVERHEAD = 300
"""Bytes that an entry takes beside its key and value."""


class _Entry(NamedTuple):
    version: int
    value: bytes
    until: float


class MemoryCache:
    """`SharedCache` of at most `max_bytes`; what was used least goes first."""

    def __init__(self, clock: Clock, *, max_bytes: int) -> None:
        """Begin empty. An entry may be an eighth of the whole."""
        self._clock = clock
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self.size = 0

    async def get(self, keys: Sequence[tuple[str, int]]) -> Mapping[str, bytes]:
        """Entries whose version is the one asked for."""
        now = self._clock.monotonic()
        found: dict[str, bytes] = {}
        for key, version in keys:
            entry = self._entries.get(key)
            if entry is None or entry.version != version:
                continue
            if entry.until <= now:
                self._drop(key)
                continue
            self._entries.move_to_end(key)
            found[key] = entry.value
        return found

    async def put(self, key: str, version: int, value: bytes, seconds: int) -> None:
        """Keep an entry, unless a newer one is there or it is too large."""
        now = self._clock.monotonic()
        entry = self._entries.get(key)
        if entry is not None and entry.version > version and entry.until > now:
            return
        self._drop(key)
        cost = _cost(key, value)
        if seconds <= 0 or cost > self._max_bytes // 8:
            return
        self._entries[key] = _Entry(version, value, now + seconds)
        self.size += cost
        while self.size > self._max_bytes:
            self._drop(next(iter(self._entries)))

    async def close(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.size = 0

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= _cost(key, entry.value)


def _cost(key: str, value: bytes) -> int:
    return len(key) + len(value) + OVERHEAD
