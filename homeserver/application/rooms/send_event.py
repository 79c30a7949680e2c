"""`PUT /rooms/{roomId}/send/{eventType}/{txnId}` and state events."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from homeserver.application.ports.writer import DuplicateTransaction
from homeserver.application.rooms.compose import compose

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import NewEvent, Transaction
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room

REMEMBERED = 10_000
"""Transactions answered from memory; older ones are found by the store's unique key."""


class SendEvent:
    """Sends a message or other event that is no state and no redaction."""

    def __init__(self, access: RoomAccess, writer: Writer) -> None:
        """Send through this writer."""
        self._access = access
        self._writer = writer
        self._running: dict[bytes, asyncio.Future[str]] = {}
        self._done: OrderedDict[bytes, str] = OrderedDict()

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        new: NewEvent,
        txn: Transaction,
    ) -> str:
        """Return the event id once the event is durable; the same one for a repeated `txn`.

        Raises ForbiddenError, BadJsonError, InvalidParamError, TooLargeError and
        UnavailableError.
        """
        done = self._done.get(txn.key)
        if done is not None:
            return done
        room = await self._access.for_sending(requester, room_id)
        running = self._running.get(txn.key)
        if running is not None:
            return await asyncio.shield(running)
        task = asyncio.ensure_future(self._send(requester, room, new, txn))
        self._running[txn.key] = task
        task.add_done_callback(lambda _: self._running.pop(txn.key, None))
        return await asyncio.shield(task)

    async def _send(
        self, requester: Requester, room: Room, new: NewEvent, txn: Transaction
    ) -> str:
        def change(draft: Draft) -> str:
            return compose(draft, room, requester, new, txn).event.event_id

        try:
            event_id = await self._writer.submit(change, txn_keys=((room.nid, txn.key),))
        except DuplicateTransaction as done:
            event_id = done.event_id
        self._done[txn.key] = event_id
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        return event_id
