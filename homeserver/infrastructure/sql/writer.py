"""Group commit: one task per process commits whatever waits as one transaction.

No deadline and no timer: while one batch commits, the next collects (measured: better at
every load). A change is computed against drafts of what it touches; memory moves only after
the commit. See `docs/subsystems/writer.md` for what happens on each kind of failure.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
import structlog

from homeserver.application.ports.writer import DuplicateTransaction
from homeserver.application.writing.draft import Draft
from homeserver.domain.shared.errors import MatrixError, UnavailableError
from homeserver.infrastructure.sql.batch import Batch, Lease
from homeserver.infrastructure.sql.errors import (
    ClashError,
    InDoubtError,
    PoisonError,
    StoreError,
    TransientError,
)
from homeserver.infrastructure.sql.slot import FencedError, holds, settle_doubt, take_slot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.stream import Stream
    from homeserver.infrastructure.sql.database import Database

T = TypeVar("T")
log = structlog.get_logger(__name__)

MAX_BATCH = 500
MAX_ATTEMPTS = 60
_pack = msgspec.msgpack.Encoder().encode


class _Unit(Generic[T]):
    """One submitted change."""

    __slots__ = ("change", "conflict", "error", "future", "result", "txn_keys")

    def __init__(
        self,
        change: Callable[[Draft], T],
        conflict: MatrixError | None,
        txn_keys: Sequence[tuple[int, bytes]],
    ) -> None:
        self.change = change
        self.conflict = conflict
        self.txn_keys = txn_keys
        self.future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.result: T | None = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Answer whoever waits."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]

    def fail(self, error: BaseException) -> None:
        """Answer with an error."""
        self.error = error
        self.settle()


class GroupCommitWriter:
    """See `application.ports.writer.Writer`."""

    def __init__(
        self,
        *,
        database: Database,
        rooms: RoomStore,
        stream: Stream,
        clock: Clock,
        ids: Ids,
        worker: str,
    ) -> None:
        """Wire; `start` takes the slot."""
        self._db = database
        self._rooms = rooms
        self._stream = stream
        self._clock = clock
        self._ids = ids
        self._worker = worker
        self._waiting: list[_Unit[Any]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.fenced = False
        self.lease = Lease(0, 0, 0, b"")
        self._nids = 0

    async def start(self) -> Lease:
        """Take a slot and begin to commit."""
        self.lease = await take_slot(self._db, self._worker, self._clock.now_ms())
        self._task = asyncio.create_task(self._run(), name="writer")
        return self.lease

    def new_nid(self) -> int:
        """A 64-bit id that no other writer and no other life of this one gives out.

        10 bits of slot, 20 of epoch, 33 of counter: it needs no clock and no round trip.
        """
        self._nids += 1
        return self.lease.slot << 53 | self.lease.epoch << 33 | self._nids

    async def submit(
        self,
        change: Callable[[Draft], T],
        *,
        conflict: MatrixError | None = None,
        txn_keys: Sequence[tuple[int, bytes]] = (),
    ) -> T:
        """See `Writer.submit`."""
        if self.fenced or self._stopping:
            raise UnavailableError("This worker is not writing")
        unit = _Unit(change, conflict, txn_keys)
        self._waiting.append(unit)
        self._wake.set()
        return await asyncio.shield(unit.future)

    async def stop(self) -> None:
        """Commit what waits, then stop."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._waiting or not self._stopping:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            units = self._waiting[:MAX_BATCH]
            del self._waiting[:MAX_BATCH]
            await self._guarded(units)

    async def _guarded(self, units: list[_Unit[Any]]) -> None:
        try:
            await self._commit(units)
        except FencedError:
            self.fenced = True
            log.error("writer.fenced", slot=self.lease.slot, epoch=self.lease.epoch)
            units += self._waiting
            self._waiting = []
            _fail(units, UnavailableError("This worker was replaced"))
        except StoreError as error:
            log.warning("writer.store_down", error=str(error))
            _fail(units, UnavailableError("The store cannot write now"))
        except Exception as error:
            log.exception("writer.bug")
            _fail(units, error)

    async def _commit(self, units: list[_Unit[Any]]) -> None:
        """Commit these changes, together where possible."""
        for attempt in range(MAX_ATTEMPTS):
            units = [u for u in units if not u.future.done()]
            draft = self._compute(units)
            if not any(draft.writes.values()):
                break
            batch = self._batch(draft)
            try:
                await self._db.commit(batch)
            except TransientError:
                await asyncio.sleep(0.002 * attempt)
            except ClashError:
                if not await self._explain(units, draft):
                    return await self._divide(units)
            except PoisonError:
                return await self._divide(units)
            except InDoubtError:
                if await self._settle_doubt(batch):
                    self._publish(draft)
                    break
            else:
                self.lease = replace(self.lease, pos=draft.pos)
                self._publish(draft)
                break
        else:
            _fail(units, UnavailableError("Too much contention"))
        for unit in units:
            unit.settle()
        return None

    def _compute(self, units: list[_Unit[Any]]) -> Draft:
        draft = Draft(self.lease.slot, self.lease.pos, self._clock.now_ms())
        for unit in units:
            draft.begin_change()
            unit.error = None
            try:
                unit.result = unit.change(draft)
            except Exception as error:  # noqa: BLE001 (raised to the submitter)
                unit.error = error
                draft.undo_change()
        draft.rooms = {n: r for n, r in draft.rooms.items() if r.changed}
        for nid in sorted(draft.rooms):
            self._rooms.write(draft, draft.rooms[nid])
        return draft

    def _batch(self, draft: Draft) -> Batch:
        if draft.pos == self.lease.pos:
            draft.next_pos()
        filled = [(kind, rows) for kind, rows in draft.writes.items() if rows]
        return Batch(
            lease=self.lease,
            batch_id=self._ids.random_bytes(16),
            pos_to=draft.pos,
            ts=draft.now,
            rooms=_pack(_touched(draft)),
            users=_pack(list(draft.users)),
            writes=sorted(filled, key=lambda write: write[0].rank),
        )

    def _publish(self, draft: Draft) -> None:
        """Move memory, make the batch visible; no await between: readers see all or nothing."""
        for room in draft.rooms.values():
            room.room.absorb(room)
        for effect in draft.after:
            effect()
        self._stream.certify(
            draft.slot, draft.pos, draft.rooms.values(), draft.stirred.values(), draft.users
        )

    async def _explain(self, units: list[_Unit[Any]], draft: Draft) -> bool:
        """After a clash: find what moved and catch up; False where nothing had."""
        if not await holds(self._db, self.lease):
            raise FencedError
        moved = [await self._rooms.refresh(r.room) for r in draft.rooms.values()]
        done = await self._rooms.transaction_events([k for u in units for k in u.txn_keys])
        for unit in units:
            for _, key in unit.txn_keys:
                if key in done:
                    unit.fail(DuplicateTransaction(done[key]))
        return any(moved) or bool(done)

    async def _divide(self, units: list[_Unit[Any]]) -> None:
        """Something in the batch cannot be stored: halve it until that one stands alone."""
        if len(units) == 1:
            conflict = units[0].conflict
            log.warning("writer.refused", conflict=type(conflict).__name__)
            units[0].fail(conflict or UnavailableError("This cannot be stored"))
            return
        middle = len(units) // 2
        await self._commit(units[:middle])
        await self._commit(units[middle:])

    async def _settle_doubt(self, batch: Batch) -> bool:
        """Resolve a commit whose connection was cut, for as long as that takes."""
        delay = 0.05
        while True:
            try:
                now = self._clock.now_ms()
                self.lease, stored = await settle_doubt(self._db, batch, self._worker, now)
            except StoreError as error:
                log.warning("writer.in_doubt", error=str(error))
                await asyncio.sleep(delay)
                delay = min(delay * 2, 2.0)
            else:
                return stored



def _touched(draft: Draft) -> list[tuple[int, int]]:
    """The rooms of a batch, each with its last position."""
    seqs = {nid: room.head.seq for nid, room in draft.stirred.items()}
    seqs.update((nid, room.head.seq) for nid, room in draft.rooms.items())
    return list(seqs.items())


def _fail(units: Sequence[_Unit[Any]], error: BaseException) -> None:
    for unit in units:
        unit.fail(error)
