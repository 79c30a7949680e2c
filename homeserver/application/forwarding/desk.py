"""The side that carries out what other workers forward."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from homeserver.application.delivery.frames import OUTCOMES
from homeserver.application.forwarding.wire import (
    Outcome,
    Outcomes,
    Write,
    decode_write,
    decode_writes,
)
from homeserver.application.forwarding.wire import encode as encode_frame
from homeserver.application.rooms.compose import NewEvent, Transaction
from homeserver.domain.shared.errors import MatrixError

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.delivery.link import Link
    from homeserver.application.forwarding.crowded import Guests
    from homeserver.application.ports.authenticator import SessionCheck
    from homeserver.application.ports.clock import Clock
    from homeserver.application.rooms.sending import RedactsEvents, SendsEvents

LATE_SECONDS: Final = 1.0
"""A write that was on its way for longer is not begun: its client may have been answered."""
MOST_AT_ONCE: Final = 2_000
"""Forwarded writes under way; what comes then is declined."""
log = logging.getLogger(__name__)


class WriteDesk:
    """Does what this worker's own clients could ask for, in the name of others' clients.

    All is judged anew: the session, the membership, the auth rules. What arrives later than
    its sender waits for it is not begun: the client may have been answered otherwise.
    """

    def __init__(
        self,
        *,
        link: Link,
        send: SendsEvents,
        redact: RedactsEvents,
        sessions: SessionCheck,
        guests: Guests,
        clock: Clock,
        draining: Callable[[], bool],
        figure: Callable[[str], None],
    ) -> None:
        """Write by these use cases, which do not forward."""
        self._link = link
        self._send_event = send
        self._redact_event = redact
        self._sessions = sessions
        self._guests = guests
        self._clock = clock
        self._draining = draining
        self._figure = figure
        self._tasks: set[asyncio.Task[None]] = set()
        self._outbox: dict[str, list[Outcome]] = {}

    def receive(self, payload: bytes) -> None:
        """Take a frame of writes in. Raises ValueError for garbage or another generation."""
        frame = decode_writes(payload)
        if frame.generation != self._link.generation:
            msg = "writes of another store generation"
            raise ValueError(msg)
        writes = [decode_write(raw) for raw in frame.writes]
        late = self._clock.monotonic() - frame.asked > LATE_SECONDS
        full = len(self._tasks) + len(writes) > MOST_AT_ONCE
        if not writes:
            self._answer(frame.sender)
        for write in writes:
            if late or full or self._draining():
                self._figure("not taken")
                self._answer(frame.sender, Outcome(write.number, None, shared=False))
            else:
                self._start(frame.sender, write)

    def _start(self, sender: str, write: Write) -> None:
        task = asyncio.create_task(self._do(sender, write))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, sender: str, write: Write) -> None:
        shared = self._guests.note(write.room_id, sender)
        event_id = None
        try:
            event_id = await self._carry_out(write)
            self._figure("taken")
        except MatrixError:
            self._figure("refused")  # the sender judges too, and says why
        except Exception:
            log.exception("forwarding.failed")
        self._answer(sender, Outcome(write.number, event_id, shared))

    async def _carry_out(self, write: Write) -> str:
        requester = write.requester
        await self._sessions.check_session(requester)
        txn = Transaction(requester.device_nid, write.txn_id, write.txn_key)
        if write.redacts is not None:
            return await self._redact_event(
                requester, write.room_id, write.redacts, write.content, txn
            )
        new = NewEvent(write.type, write.content)
        return await self._send_event(requester, write.room_id, new, txn)

    def _answer(self, sender: str, *outcomes: Outcome) -> None:
        """Answer soon: what one batch of the writer brought shares a frame."""
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbox.setdefault(sender, []).extend(outcomes)

    def _flush(self) -> None:
        outbox, self._outbox = self._outbox, {}
        clock = None if self._draining() else self._clock.monotonic()
        for sender, outcomes in outbox.items():
            payload = encode_frame(Outcomes(self._link.worker, clock, outcomes))
            self._link.send(sender, OUTCOMES, payload)
