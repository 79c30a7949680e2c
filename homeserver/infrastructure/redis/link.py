"""The way to Redis: short calls that fail soon, and for a while at once."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.clock import Clock

log = structlog.get_logger(__name__)

CALL_SECONDS = 0.1
"""Longest time that a call may take, connecting included."""
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 1.0
"""After a failure calls fail at once for so many seconds, doubling up to the longest."""
CONNECTIONS = 16

Argument = str | bytes | int | float


class RedisDownError(Exception):
    """Redis did not do what it was asked, whatever the reason."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script; Redis knows it by its digest."""

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Compute the digest."""
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "digest", digest)


class RedisLink:
    """Commands to one Redis (`redis://` or `rediss://`), all keys under one prefix.

    The prefix is made of the store's generation: several clusters can share a Redis, and a
    restored store never meets the keys of its former life. Every failure is a
    RedisDownError, after at most `call_seconds`.
    """

    def __init__(
        self, url: str, generation: bytes, clock: Clock, *, call_seconds: float = CALL_SECONDS
    ) -> None:
        """Connect to nothing yet. Raises ValueError for a URL that is none."""
        self.call_seconds = call_seconds
        self.prefix = f"firn:{generation.hex()}:"
        self._clock = clock
        self._pause = FIRST_PAUSE
        self._resume_at = 0.0
        self.failed = False
        """Whether the last call failed."""
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=None,  # call() has its own
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=None,
            protocol=2,
            driver_info=None,  # two round trips less for a new connection
        )
        self._client: Any = Redis.from_pool(pool)  # its methods have no types

    async def run(
        self,
        script: Script,
        keys: Sequence[str],
        arguments: Sequence[Argument],
        *,
        probe: bool = False,
    ) -> Any:
        """Run a script on keys, which get the prefix, in one round trip (two the first time)."""
        rest = (len(keys), *(self.prefix + key for key in keys), *arguments)
        try:
            return await self.call("EVALSHA", script.digest, *rest, probe=probe)
        except NoScriptError:
            return await self.call("EVAL", script.text, *rest, probe=probe)

    async def call(self, *command: Argument, probe: bool = False) -> Any:
        """Run one command. Raises RedisDownError, and NoScriptError for a script unknown to it.

        A `probe` is tried also in the pause after a failure, and ends it.
        """
        if not probe and self.failed and self._clock.monotonic() < self._resume_at:
            raise RedisDownError("Redis failed a moment ago")
        try:
            async with asyncio.timeout(self.call_seconds):
                answer = await self._client.execute_command(*command)
        except NoScriptError:
            raise
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            self._note_failure(error)
            raise RedisDownError(f"Redis: {type(error).__name__}") from error
        if self.failed:
            self.failed, self._pause = False, FIRST_PAUSE
            log.info("redis.back")
        return answer

    def subscription(self) -> Any:
        """A connection for the messages of channels, whose names get no prefix by themselves."""
        return self._client.pubsub()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _note_failure(self, error: Exception) -> None:
        if not self.failed:
            log.warning("redis.down", error=type(error).__name__, reason=str(error))
        else:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self.failed = True
        self._resume_at = self._clock.monotonic() + self._pause
