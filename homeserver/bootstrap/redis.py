"""The link to Redis, where one is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.config import ConfigError

if TYPE_CHECKING:
    from homeserver.bootstrap.core import Core
    from homeserver.infrastructure.redis.link import RedisLink


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
