"""The link to Redis, where one is set, and the cache over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.memo import Memo
from homeserver.application.two_level_cache import TwoLevelCache
from homeserver.config import ConfigError
from homeserver.infrastructure.embedded.shared_cache import MemoryCache

if TYPE_CHECKING:
    from homeserver.bootstrap.core import Core
    from homeserver.infrastructure.redis.link import RedisLink

NEAR_BYTES = 32 * 1024 * 1024
"""Memory of this process for answers that are kept."""


def build_redis(core: Core) -> RedisLink | None:
    """The link that all parts share; None where `redis.url` is empty. Raises ConfigError."""
    url = core.settings.current.redis.url
    if not url:
        return None
    from homeserver.infrastructure.redis.link import RedisLink  # noqa: PLC0415 (loads the driver)

    try:
        return RedisLink(url, core.generation, core.clock)
    except ValueError as error:
        raise ConfigError("redis.url must be redis://host:port/0") from error


def build_memo(core: Core, redis: RedisLink | None) -> Memo:
    """Answers kept in this process, and in Redis for the other workers too."""
    near = MemoryCache(core.clock, max_bytes=NEAR_BYTES)
    if redis is None:
        return Memo(near)
    from homeserver.infrastructure.redis.shared_cache import (  # noqa: PLC0415 (loads the driver)
        RedisSharedCache,
    )

    return Memo(TwoLevelCache(near, RedisSharedCache(redis)))
