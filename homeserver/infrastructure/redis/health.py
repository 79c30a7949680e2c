"""Asks a Redis whether it is fit for Firn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_S = 5
_OLDEST = (6, 2)
_FULL_REFUSES = "noeviction"


class UnhealthyRedisError(Exception):
    """Redis does not answer, or cannot do what Firn needs."""


async def redis_health(url: str) -> str:
    """Return what answers, or raise UnhealthyRedisError."""
    try:
        client: Any = Redis.from_url(url, protocol=2)  # its methods have no types
    except ValueError as error:
        raise UnhealthyRedisError("redis.url must be redis://host:port/0") from error
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await _fitness(client)
    except TimeoutError as error:
        raise UnhealthyRedisError(f"does not answer within {_TIMEOUT_S} s") from error
    except (RedisError, OSError) as error:
        raise UnhealthyRedisError(f"does not answer: {error}") from error
    finally:
        await client.aclose()


async def _fitness(client: Any) -> str:
    try:
        # what the route table's beat does
        await client.execute_command("EVAL", "return redis.call('INFO', 'server')", 0)
    except ResponseError as error:
        raise UnhealthyRedisError(f"runs no scripts: {error}") from error
    server: Mapping[str, Any] = await client.info("server")
    memory: Mapping[str, Any] = await client.info("memory")
    version = str(server["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise UnhealthyRedisError(f"Redis {version} is too old (6.2)")
    if memory["maxmemory"] and memory["maxmemory_policy"] == _FULL_REFUSES:
        raise UnhealthyRedisError(
            "maxmemory-policy is noeviction: full, it would take no routes; set volatile-lru"
        )
    return f"Redis {version}"
