"""Each client transaction once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from homeserver.application.ports.writer import DuplicateTransaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeserver.application.ports.writer import Writer
    from homeserver.application.rooms.compose import Transaction
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.shared.errors import MatrixError

REMEMBERED = 10_000
"""Transactions answered from memory; older ones are found by the store's unique key."""


class Prepared(NamedTuple):
    """A room and what is to be done there; `conflict` is for `Writer.submit`."""

    room: Room
    change: Callable[[Draft], str]
    conflict: MatrixError | None = None


class Transactions:
    """Runs transactions, and answers repeated ones with the event of the first time."""

    def __init__(self, writer: Writer) -> None:
        """Write through this writer."""
        self._writer = writer
        self._running: dict[bytes, asyncio.Future[str]] = {}
        self._done: OrderedDict[bytes, str] = OrderedDict()

    async def once(self, txn: Transaction, prepare: Callable[[], Awaitable[Prepared]]) -> str:
        """Return the event id that the transaction made, now or before.

        `prepare` passes the gates and returns the room and the change; whoever repeats the
        transaction meanwhile gets the same outcome. Cancelling takes back nothing that was
        handed to the writer.
        """
        while (first := self._running.get(txn.key)) is not None:
            await asyncio.wait((first,))
            if not first.cancelled():
                return first.result()
        done = self._done.get(txn.key)
        if done is not None:
            return done
        outcome = self._running[txn.key] = asyncio.get_running_loop().create_future()
        try:
            event_id = await self._run(txn, prepare)
        except BaseException as error:
            _fail(outcome, error)
            raise
        else:
            outcome.set_result(event_id)
            return event_id
        finally:
            del self._running[txn.key]

    async def _run(self, txn: Transaction, prepare: Callable[[], Awaitable[Prepared]]) -> str:
        try:
            room, change, conflict = await prepare()
            event_id = await self._writer.submit(
                change, conflict=conflict, txn_keys=((room.nid, txn.key),)
            )
        except DuplicateTransaction as done:
            event_id = done.event_id
        self._done[txn.key] = event_id
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        return event_id


def _fail(outcome: asyncio.Future[str], error: BaseException) -> None:
    """Tell those who repeat the transaction; where its first client has gone, one of them goes on."""
    if isinstance(error, Exception):
        outcome.set_exception(error)
        outcome.exception()  # mostly nobody else asks
    else:
        outcome.cancel()
