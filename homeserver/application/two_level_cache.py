"""Two levels of a cache behind the port of one: this process, then all workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.application.ports.shared_cache import SharedCache

NEAR_SECONDS = 60
"""How long an entry found in the far level is kept in the near one."""


class TwoLevelCache:
    """`SharedCache` that asks the far level only for what the near one lacks.

    Neither level is ever told that something changed: versions come from the certified log,
    so the tail, by moving what is certified, makes every older entry a miss in both.
    """

    def __init__(self, near: SharedCache, far: SharedCache) -> None:
        """`near` is in this process."""
        self._near = near
        self._far = far

    async def get(self, keys: Sequence[tuple[str, int]]) -> Mapping[str, bytes]:
        """What either level has under these versions."""
        found = dict(await self._near.get(keys))
        missing = [item for item in keys if item[0] not in found]
        if not missing:
            return found
        far = await self._far.get(missing)
        for key, version in missing:
            value = far.get(key)
            if value is not None:
                found[key] = value
                await self._near.put(key, version, value, NEAR_SECONDS)
        return found

    async def put(self, key: str, version: int, value: bytes, seconds: int) -> None:
        """Keep it in both."""
        await self._near.put(key, version, value, seconds)
        await self._far.put(key, version, value, seconds)

    async def close(self) -> None:
        """Close both."""
        await self._near.close()
        await self._far.close()
