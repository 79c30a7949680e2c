"""The second level of the cache, shared by all workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class SharedCache(Protocol):
    """Keeps bytes under a key and a version; what it says may be gone, never wrong.

    An entry counts only under the version it was stored with: whoever reads knows from the
    certified log which version is current, so a stale entry is a miss. Keys are any text,
    versions are at least 0 and below 2^53. What it takes is bounded: entries go before
    their time where room is short, and one that is too large is not kept. Never raises;
    where the cache is down a call returns within 100 ms.
    """

    async def get(self, keys: Sequence[tuple[str, int]]) -> Mapping[str, bytes]:
        """Entries of (key, version), in one round trip; misses are absent, as is all when down."""
        ...

    async def put(self, key: str, version: int, value: bytes, seconds: int) -> None:
        """Keep an entry for some seconds; an older version never replaces a newer one."""
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...
