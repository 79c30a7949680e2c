"""What a client has seen, by the token that it presents; and the token that it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from homeserver.domain.shared.errors import UnavailableError
from homeserver.domain.sync.token import NO_INBOX, StaleToken, SyncToken

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.log_reader import LogReader
    from homeserver.application.requester import Requester
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.hub import Hub
    from homeserver.application.sync.tokens import Tokens
    from homeserver.application.typing.board import TypingBoard
    from homeserver.domain.sync.vector import Vector

TYPING_IS_LOST = -1
"""A tick before all others: the typing lists of all rooms are news."""
PRESENCE_SLACK_MS = 10_000
"""Ticks of presence are times: how much later than another worker this one may have heard."""
LEAST_WAIT = 0.5
"""Seconds for which a token that is ahead of this worker is waited for at least."""


class Seen(NamedTuple):
    """What the client has: up to `vector` (None: nothing); see `Span.typing_since`.

    `presence` is the tick of this worker's presence board up to which the client has heard
    (None: never of any). `inbox` is the number of the last message to the device. Where another device was given the
    token, or the store was restored since (its numbers may name other messages now), it is 0:
    messages may come twice then, and none is lost.
    """

    vector: Vector | None
    typing: int | None
    inbox: int = 0
    presence: int | None = None


class Progress:
    """Reads and writes tokens.

    Beside the tick of the typing board a token keeps whether anybody typed in the user's
    rooms then: who typed in another life of the server has to be taken off the screen.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        tokens: Tokens,
        typing: TypingBoard,
        log: LogReader,
        clock: Clock,
        generation: bytes,
    ) -> None:
        """Wire; `generation` is the store's."""
        self._typing = typing
        self._hub = hub
        self._tokens = tokens
        self._log = log
        self._clock = clock
        self._generation = generation

    async def seen(self, requester: Requester, text: str | None, deadline: float) -> Seen:
        """Read a token, and wait until this worker has got as far, at most until a deadline.

        Raises InvalidParamError for a token that is garbage or another user's, and
        UnavailableError where the worker does not get there: no token is answered early.
        """
        if text is None:
            return Seen(None, None)
        found = self._tokens.read(text, requester.user_nid)
        if isinstance(found, StaleToken):
            floor = await self._log.floor(found.token.generation)
            seen = Seen(found.vector(floor), None)
        else:
            instance, tick = found.ephemeral
            typing, shown = divmod(tick, 2)
            presence = found.presence
            if instance != self._tokens.instance:
                typing = TYPING_IS_LOST if shown else 0
                presence = max(presence - PRESENCE_SLACK_MS, 0)
            device, number = found.inbox
            number = number if device == requester.device_nid else 0
            seen = Seen(found.vector, typing, number, presence or None)
        if seen.vector is not None and not self._hub.ticks.vector >= seen.vector:
            await self._reach(seen.vector, deadline)
        return seen

    async def _reach(self, vector: Vector, deadline: float) -> None:
        seconds = max(deadline - self._clock.monotonic(), LEAST_WAIT)
        if not await self._hub.reach(vector, seconds):
            raise UnavailableError("This worker has not reached your token yet")

    def token(self, span: Span) -> str:
        """The token of an answer."""
        shown = self._typing.in_any_of(span.feed.places)
        seen_of_typing = (self._tokens.instance, 2 * span.typing_until + shown)
        requester, number = span.requester, span.inbox_until
        inbox = (requester.device_nid, number) if number else NO_INBOX
        return self._tokens.issue(
            SyncToken(
                span.until,
                self._generation,
                requester.user_nid,
                seen_of_typing,
                inbox,
                span.presence_until or 0,
            )
        )
