"""The cache that all workers share, in Redis."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from homeserver.infrastructure.redis.link import RedisDownError, Script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.infrastructure.redis.link import RedisLink

MAX_VALUE = 256 * 1024
MAX_SECONDS = 86_400
_VERSION_BYTES = 8

PUT = Script("""
local held = redis.call('GETRANGE', KEYS[1], 0, 7)
if #held == 8 and struct.unpack('>I8', held) > struct.unpack('>I8', ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
""")
"""KEYS entry; ARGV version (8 bytes, most significant first) and value, seconds."""


class RedisSharedCache:
    """`SharedCache` over Redis; closing it leaves the link open.

    Values of more than `MAX_VALUE` bytes are not kept. How much all of them take is Redis'
    own setting, `maxmemory` with the policy `volatile-lru`: every key has an expiry.
    """

    def __init__(self, link: RedisLink) -> None:
        """Keep entries there."""
        self._link = link

    async def get(self, keys: Sequence[tuple[str, int]]) -> Mapping[str, bytes]:
        """Entries whose version is the one asked for."""
        if not keys:
            return {}
        prefix = self._link.prefix
        try:
            found = await self._link.call("MGET", *(prefix + _name(key) for key, _ in keys))
        except RedisDownError:
            return {}
        return {
            key: held[_VERSION_BYTES:]
            for (key, version), held in zip(keys, found, strict=True)
            if held is not None and held[:_VERSION_BYTES] == _packed(version)
        }

    async def put(self, key: str, version: int, value: bytes, seconds: int) -> None:
        """Keep an entry, unless a newer one is there or it is too large."""
        if seconds <= 0 or len(value) > MAX_VALUE:
            return
        entry = _packed(version) + value
        with suppress(RedisDownError):
            await self._link.run(PUT, [_name(key)], (entry, min(seconds, MAX_SECONDS)))

    async def close(self) -> None:
        """Nothing is held here."""


def _name(key: str) -> str:
    """A key of bounded length, which tells nobody what it is about."""
    return (
        "cache:" + hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    )


def _packed(version: int) -> bytes:
    return version.to_bytes(_VERSION_BYTES, "big")
