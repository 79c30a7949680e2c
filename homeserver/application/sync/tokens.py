"""Sync tokens of one worker: what a client has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import UnavailableError
from homeserver.domain.sync.token import StaleToken, SyncToken, decode_token, encode_token
from homeserver.domain.sync.vector import Vector

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.log_reader import LogReader
    from homeserver.application.requester import Requester
    from homeserver.application.sync.hub import Hub
    from homeserver.application.typing.board import TypingBoard

LEAST_WAIT = 0.5
"""Seconds for which a token that is ahead of this worker is waited for at least."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the client has: up to `vector` (None: nothing); see `Span.typing_since`."""

    vector: Vector | None
    typing: int | None


class Tokens:
    """Reads and writes tokens; `instance` names this life of this worker in them."""

    def __init__(
        self,
        *,
        hub: Hub,
        typing: TypingBoard,
        log: LogReader,
        clock: Clock,
        generation: bytes,
        instance: int,
    ) -> None:
        """Wire."""
        self._hub = hub
        self._typing = typing
        self._log = log
        self._clock = clock
        self._generation = generation
        self._instance = instance

    async def seen(self, requester: Requester, text: str | None, deadline: float) -> Seen:
        """Read a token, and wait until this worker has got as far, at most until a deadline.

        Raises InvalidParamError for a token that is garbage or another user's, and
        UnavailableError where the worker does not get there: no token is answered early.
        """
        if text is None:
            return Seen(None, None)
        found = decode_token(text, user=requester.user_nid, generation=self._generation)
        if isinstance(found, StaleToken):
            floor = await self._log.floor(found.token.generation)
            seen = Seen(_lowered(found.token.vector, floor or {}), None)
        else:
            instance, tick = found.ephemeral
            seen = Seen(found.vector, tick if instance == self._instance else 0)
        if seen.vector is not None and not await self._reach(seen.vector, deadline):
            raise UnavailableError("This worker has not reached your token yet")
        return seen

    async def _reach(self, vector: Vector, deadline: float) -> bool:
        if self._hub.ticks.vector >= vector:
            return True
        seconds = max(deadline - self._clock.monotonic(), LEAST_WAIT)
        return await self._hub.reach(vector, seconds)

    def token(self, requester: Requester, until: Vector, typing: int) -> str:
        """Write the token of an answer that ends there."""
        ephemeral = (self._instance, typing)
        return encode_token(SyncToken(until, self._generation, requester.user_nid, ephemeral))


def _lowered(vector: Vector, floor: dict[int, int]) -> Vector:
    """What of an older generation's token still holds: no position above the floor."""
    return Vector({slot: min(pos, floor.get(slot, 0)) for slot, pos in vector})
