"""A running embedded server's part in a move: it notes what changes, and holds still at the end.

All of it ends with the connection of `firn move`, and the server goes on as before, unless
the move was finished: then it never writes again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from homeserver.domain.shared.errors import UnavailableError
from homeserver.infrastructure.control.wire import RefusedError
from homeserver.infrastructure.sql.moved import write_moved_note
from homeserver.infrastructure.sql.sqlite_changes import ChangeNotes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from homeserver.infrastructure.sql.sqlite_changes import Changes
    from homeserver.infrastructure.sql.sqlite_database import SqliteDatabase
    from homeserver.infrastructure.sql.writer import GroupCommitWriter

log = structlog.get_logger(__name__)
_TO_LEAVE = 2.0  # seconds in which a command that has gone is noticed, also on a busy machine


@dataclass(slots=True)
class MovingStore:
    """The store of a running server; at most one session moves it."""

    path: Path
    database: SqliteDatabase
    writer: GroupCommitWriter
    session: MoveSession | None = None
    finished: bool = False
    taken: asyncio.Lock = field(default_factory=asyncio.Lock)


class MoveSession:
    """What one `firn move` asks for, in this order: begin, changes…, freeze, changes…, finish."""

    def __init__(self, store: MovingStore) -> None:
        """Nothing happens before `begin`."""
        self._store = store
        self._notes = ChangeNotes(store.database)
        self._limit: asyncio.TimerHandle | None = None

    @property
    def requests(self) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        """See `control.server.Session`."""
        return {
            "begin to move": self.begin,
            "take changes": self.changes,
            "freeze": self.freeze,
            "finish the move": self.finish,
        }

    async def begin(self) -> None:
        """Note every row that changes from now on. Raises RefusedError."""
        try:
            async with asyncio.timeout(_TO_LEAVE):
                await self._store.taken.acquire()
        except TimeoutError as error:
            raise RefusedError("another `firn move` is at work on this server") from error
        self._store.session = self
        await self._notes.start()
        log.info("move.begun")

    async def changes(self, most: int) -> Changes:
        """The keys of up to `most` changed rows, which are then forgotten here."""
        self._check_begun()
        return await self._notes.take(most)

    async def freeze(self, seconds: float) -> None:
        """Refuse writes (503) for at most so long; what was accepted before is stored."""
        self._check_begun()
        self._limit = asyncio.get_running_loop().call_later(seconds, self._give_up, seconds)
        try:
            await self._store.writer.suspend()
        except UnavailableError as error:
            raise RefusedError(f"the server cannot write: {error.message}") from error
        self._check_in_time()
        await self._store.database.freeze()
        self._check_in_time()
        log.info("move.read_only")

    async def finish(self, target: str) -> None:
        """Never write again; `target` is told to whoever wants to. Raises RefusedError."""
        self._check_begun()
        self._check_in_time()
        self._cancel_limit()
        await asyncio.to_thread(write_moved_note, self._store.path, target)
        self._store.finished = True
        log.warning("move.finished", target=target)

    async def end(self) -> None:
        """See `control.server.Session`."""
        if self._store.session is not self:
            return
        self._cancel_limit()
        self._thaw()
        await self._notes.stop()
        self._store.session = None
        self._store.taken.release()
        log.info("move.ended", finished=self._store.finished)

    def _check_begun(self) -> None:
        if self._store.session is not self:
            raise RefusedError("the move was not begun")

    def _check_in_time(self) -> None:
        if self._limit is None and not self._store.finished:
            raise RefusedError("the server is not read-only, or not any more: it took too long")

    def _cancel_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _give_up(self, seconds: float) -> None:
        log.warning("move.took_too_long", seconds=seconds)
        self._limit = None
        self._thaw()

    def _thaw(self) -> None:
        if not self._store.finished:
            self._store.database.thaw()
            self._store.writer.resume()
