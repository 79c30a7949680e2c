"""What is new, batch by batch, over either transport and through every failure."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from firn_client import stream
from firn_client.caller import FOR_EVER, Caller, now
from firn_client.calls.sync import position, sync
from firn_client.chooser import Chooser, Transport
from firn_client.errors import (
    ConnectionFailedError,
    FirnError,
    ForbiddenError,
    LimitExceededError,
    MatrixError,
    NotFoundError,
    ProtocolError,
    UnknownTokenError,
)
from firn_client.websocket import NoStreamError, StreamEndedError, open_stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from firn_client.store import Batch, SyncStore
    from firn_client.sync_body import SyncBody

POLL_SECONDS = 30.0
FINAL = (401, 403)


class Follower:
    """Follows the device's news from `store.since` on.

    A batch counts as read when the next one is asked for: then the store's position moves, is
    saved, and the server is told. Whatever fails, the next request names that position; so no
    batch is missed, and none is given twice to a reader that goes on.
    """

    def __init__(self, caller: Caller, store: SyncStore, chooser: Chooser) -> None:
        self._caller = caller
        self._store = store
        self._chooser = chooser
        self._failures = 0

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """News for ever. Raises UnknownTokenError when the session has ended, ForbiddenError."""
        while True:
            polls = self._chooser.pick(now()) is Transport.POLL
            source = self._polled() if polls else self._streamed()
            async with aclosing(source):
                async for batch in source:
                    yield batch

    async def _polled(self) -> AsyncGenerator[Batch, None]:
        while self._chooser.pick(now()) is Transport.POLL:
            store = self._store
            full = store.wants_full_state
            call = sync(store.since, full_state=full, wait=0.0 if full else POLL_SECONDS)
            batch = await self._batch(await self._caller(call, patience=FOR_EVER))
            yield batch
            await self._commit(batch)

    async def _streamed(self) -> AsyncGenerator[Batch, None]:
        caller, server = self._caller, self._caller.servers.current
        token = caller.require_session().access_token
        query = position(self._store.since, full_state=self._store.wants_full_state)
        try:
            async with open_stream(caller.http, server, token, query) as socket:
                while True:
                    frame = await socket.frame()
                    self._worked()
                    batch = await self._batch(frame.body)
                    yield batch
                    await self._commit(batch)
                    await socket.acknowledge(frame.seq)
        except (NoStreamError, ProtocolError) as failure:
            self._refused(failure)
        except StreamEndedError as ended:
            await self._ended(ended, server, token)
        except (ConnectionFailedError, MatrixError) as failure:
            await self._failed(failure, server, token)

    async def _ended(self, ended: StreamEndedError, server: str, token: str) -> None:
        if ended.ending is stream.End.REFUSED:
            self._refused(stream.error(ended.ending, ended.body))
        elif ended.ending is stream.End.AGAIN:
            lost = ConnectionFailedError(str(ended), sent=True)
            await self._failed(lost, server, token)
        else:
            await self._failed(stream.error(ended.ending, ended.body), server, token)

    def _refused(self, failure: FirnError) -> None:
        if not self._chooser.may_poll:
            raise failure
        self._chooser.refused(now())

    async def _failed(
        self, failure: ConnectionFailedError | MatrixError, server: str, token: str
    ) -> None:
        """Wait, hop to another server or get a new token; or raise what is final."""
        renewed = isinstance(failure, UnknownTokenError) and await self._caller.renew(token)
        if isinstance(failure, MatrixError) and failure.status in FINAL and not renewed:
            raise failure
        self._failures += 1
        wait = self._caller.backoff.wait(self._failures, self._caller.dice())
        if isinstance(failure, LimitExceededError):
            wait = failure.retry_after or wait
        elif not renewed and self._caller.servers.failed(server, now()):
            wait = 0
        if not renewed and getattr(failure, "sent", True):
            self._chooser.lost(now())  # with nobody there at all, polling would not help
        await asyncio.sleep(wait)

    def _worked(self) -> None:
        self._failures = 0
        self._chooser.worked()

    async def _batch(self, body: SyncBody) -> Batch:
        """Take the body in, and fill the holes in its timelines."""
        batch = self._store.apply(body)
        for news in batch.rooms:
            while news.gap is not None and (call := news.gap.call) is not None:
                try:
                    page = await self._caller(call, patience=FOR_EVER)
                except (ForbiddenError, NotFoundError):
                    break  # one may no longer read there: the rest of the hole is not for us
                news.gap.take(page)
        return batch

    async def _commit(self, batch: Batch) -> None:
        self._store.commit(batch)
        if self._store.since != self._caller.require_session().since:
            await self._caller.keep(since=self._store.since)
