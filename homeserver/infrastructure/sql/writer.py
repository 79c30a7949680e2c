"""Group commit: one task per process commits whatever waits as one transaction.

No deadline and no timer: while one batch commits, the next collects (measured: better at
every load). A change is computed against drafts of what it touches; memory moves only after
the commit. See `docs/subsystems/writer.md` for what happens on each kind of failure.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog

from homeserver.application.ports.tail import DATA, GREW, MOVED, STIRRED
from homeserver.application.ports.writer import DuplicateTransaction
from homeserver.application.writing.draft import Draft
from homeserver.domain.shared.errors import InvalidParamError, MatrixError, UnavailableError
from homeserver.infrastructure.sql.batch import Batch, Lease
from homeserver.infrastructure.sql.crowds import Crowds
from homeserver.infrastructure.sql.errors import (
    ClashError,
    InDoubtError,
    PoisonError,
    StoreDownError,
    StoreError,
    TransientError,
)
from homeserver.infrastructure.sql.query import SqlDialect
from homeserver.infrastructure.sql.slot import (
    Company,
    FencedError,
    beat,
    check_strictness,
    holds,
    release,
    settle_doubt,
    take_slot,
)
from homeserver.infrastructure.sql.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.stream import Stream
    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.database import Commit, Database

T = TypeVar("T")
log = structlog.get_logger(__name__)

MAX_BATCH = 500
TURNS = 2
"""Of the event loop: a request that is read in one submits its change in the next."""
MAX_WAITING = 20_000
"""More changes than this are refused: a store that hangs must not fill the memory."""
MAX_ATTEMPTS = 20
TOGETHER = 3
"""After so many failures a batch is halved: one crowded room must not hold up the others."""
DOUBT_SECONDS = 5.0
"""How long one look at a batch in doubt may take, and how long `stop` waits for one."""
_pack = msgspec.msgpack.Encoder().encode


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
        company: Company = Company.ANY,
    ) -> None:
        """Wire; `start` takes the slot."""
        self._db = database
        self._rooms = rooms
        self._stream = stream
        self._clock = clock
        self._ids = ids
        self._worker = worker
        self._company = company
        self._waiting: list[Unit[Any]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stopping = False
        self._suspended = False
        self.fenced = False
        self.lease = Lease(0, 0, 0, b"", b"")
        self._crowds = Crowds()
        self.on_clash: Callable[[Room], None] | None = None
        """Told of each room that another process wrote at the same time."""
        self._nids = 0

    async def start(self) -> Lease:
        """Take a slot, see that the database is strict, begin to commit.

        Raises StoreDownError; SlotBusyError where others are there that must not be.
        """
        self._loop = asyncio.get_running_loop()
        now = self._clock.now_ms()
        holder = self._ids.random_bytes(8)
        self.lease = await take_slot(self._db, self._worker, holder, now, self._company)
        await check_strictness(self._db, self.lease)
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
        for _ in range(MAX_ATTEMPTS):
            self._check_open()
            unit = Unit(change, conflict, txn_keys, self._loop)
            try:
                result = await self._enqueue(unit)
            except MatrixError:
                if not await self._judged_too_early(unit):
                    raise
            else:
                if not unit.leant_on or not await self._judged_too_early(unit):
                    return result
        raise UnavailableError("Too much contention")

    def _check_open(self) -> None:
        """Refuse changes that nobody would take. Raises UnavailableError."""
        if self.fenced or self._stopping:
            raise UnavailableError("This worker is not writing")
        if self._suspended:
            raise UnavailableError("The server is read-only while it is moved")
        if len(self._waiting) >= MAX_WAITING:
            raise UnavailableError("Too much waits to be written")

    async def _judged_too_early(self, unit: Unit[Any]) -> bool:
        """Whether a change that added nothing looked at rooms that others have moved since.

        What is written on an old room clashes; a refusal or "nothing to do" does not, so that is
        looked at here, on the submitter's own time. One process alone has no others.
        """
        if self._db.dialect is SqlDialect.SQLITE:
            return False
        moved = False
        for room, head in unit.leant_on:
            moved |= await self._rooms.refresh(room) or room.head is not head
        return moved

    async def _enqueue(self, unit: Unit[T]) -> T:
        self._waiting.append(unit)
        self._wake.set()
        return await asyncio.shield(unit.future)

    async def suspend(self) -> None:
        """Refuse changes from now on; return when those taken before are settled.

        Raises UnavailableError where this worker or the store cannot write.
        """
        if self.fenced or self._stopping:
            raise UnavailableError("This worker is not writing")
        self._suspended = True
        await self._enqueue(Unit(lambda _: None, None, (), self._loop))

    def resume(self) -> None:
        """Take changes again after `suspend`."""
        self._suspended = False

    async def beat(self) -> None:
        """Show that this worker lives; find out where it was replaced. Raises StoreError."""
        if self._suspended:
            return
        lease = self.lease
        if not await beat(self._db, lease, self._clock.now_ms()) and lease is self.lease:
            self._fence()

    async def stop(self) -> None:
        """Commit what waits, give the slot back, then stop."""
        self._stopping = True
        self._wake.set()
        if self._task is None:
            return
        await self._task
        if self._suspended:  # the store is to stay as it is
            return
        try:
            await release(self._db, self.lease)
        except StoreError as error:  # it is taken over as a dead one's
            log.warning("slot.not_released", reason=str(error))

    async def _run(self) -> None:
        while self._waiting or not self._stopping:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._gather()
            units = self._waiting[:MAX_BATCH]
            del self._waiting[:MAX_BATCH]
            await self._guarded(units)

    async def _gather(self) -> None:
        """Let the loop read what has arrived while that brings more: a batch has a cost of its own."""
        seen = 0
        while seen < len(self._waiting) < MAX_BATCH:
            seen = len(self._waiting)
            for _ in range(TURNS):
                await asyncio.sleep(0)

    async def _guarded(self, units: list[Unit[Any]]) -> None:
        try:
            await self._commit(units)
        except FencedError:
            self._fence()
            units += self._waiting
            self._waiting = []
            _fail(units, UnavailableError("This worker was replaced"))
        except StoreError as error:
            log.warning("writer.store_down", error=str(error))
            _fail(units, UnavailableError("The store cannot write now"))

    def _fence(self) -> None:
        self.fenced = True
        log.critical("writer.fenced", slot=self.lease.slot, epoch=self.lease.epoch)

    async def _commit(self, units: list[Unit[Any]]) -> None:
        """Commit these changes, together where possible."""
        for attempt in range(MAX_ATTEMPTS):
            units = [u for u in units if not u.future.done()]
            try:
                await self._attempt(units)
            except TransientError:
                if attempt >= TOGETHER and len(units) > 1:
                    return await self._divide(units, UnavailableError("Too much contention"))
                await asyncio.sleep(0.002 * attempt)
            except (FencedError, StoreDownError):
                raise
            except Exception as error:  # noqa: BLE001 (found by halving, answered to its owner)
                return await self._divide(units, error)
            else:
                for unit in units:
                    unit.settle()
                return None
        return _fail(units, UnavailableError("Too much contention"))

    async def _attempt(self, units: list[Unit[Any]]) -> None:
        """Compute and store once. Raises TransientError where it is worth another attempt."""
        draft = self._compute(units)
        crowded = self._crowds.among(draft.rooms.values())
        try:
            if not crowded:
                return await self._store(draft, self._db.commit)
            async with self._db.hold([room.nid for room in crowded]) as commit:
                for room in crowded:
                    await self._rooms.refresh(room)
                draft = self._compute(units)
                await self._store(draft, commit)
        except ClashError as clash:
            if not await self._explain(units, draft):
                raise
            raise TransientError(str(clash)) from clash

    async def _store(self, draft: Draft, commit: Commit) -> None:
        """Make a draft durable, then visible."""
        if any(draft.writes.values()):
            batch = self._batch(draft)
            try:
                await commit(batch)
            except InDoubtError as doubt:
                if not await self._settle_doubt(batch):
                    raise TransientError(str(doubt)) from doubt
            else:
                self.lease = self.lease._replace(pos=draft.pos)
            self._publish(draft)

    def _compute(self, units: list[Unit[Any]]) -> Draft:
        draft = Draft(self.lease.slot, self.lease.pos, self._clock.now_ms())
        for unit in units:
            draft.begin_change()
            unit.error, unit.leant_on = None, ()
            try:
                unit.result = unit.change(draft)
            except Exception as error:  # noqa: BLE001 (raised to the submitter)
                unit.error = error
                draft.undo_change()
            if not draft.has_changed():
                unit.leant_on = draft.looked_at()
        draft.rooms = {n: r for n, r in draft.rooms.items() if r.changed}
        if draft.rooms and draft.pos == self.lease.pos:
            draft.next_pos()
        for nid in sorted(draft.rooms):
            room = draft.rooms[nid]
            room.head = room.head._replace(slot=draft.slot, pos=draft.pos)
            self._rooms.write(draft, room)
        return draft

    def _batch(self, draft: Draft) -> Batch:
        if draft.pos == self.lease.pos:
            draft.next_pos()
        filled = [(kind, kind.arranged(rows)) for kind, rows in draft.writes.items() if rows]
        return Batch(
            lease=self.lease,
            batch_id=self._ids.random_bytes(16),
            pos_to=draft.pos,
            ts=draft.now,
            rooms=_pack(_touched(draft)),
            users=_pack(_users(draft)),
            writes=sorted(filled, key=lambda write: write[0].rank),
        )

    def _publish(self, draft: Draft) -> None:
        """Move memory, make the batch visible; no await between: readers see all or nothing.

        The batch is durable: whatever fails here must not make anybody send it again.
        """
        try:
            for room in draft.rooms.values():
                room.room.absorb(room)
            for effect in draft.after:
                effect()
            self._stream.certify(
                draft.slot, draft.pos, draft.rooms.values(), draft.stirred.values(), draft.users
            )
        except Exception:
            log.exception("writer.publish")

    async def _explain(self, units: list[Unit[Any]], draft: Draft) -> bool:
        """After a clash: find what moved and catch up; False where nothing had."""
        if not await holds(self._db, self.lease):
            raise FencedError
        moved = False
        for room in draft.rooms.values():
            # somebody else may have caught up with what made us clash
            if await self._rooms.refresh(room.room) or room.room.head is not room.base:
                self._crowds.note(room.room)
                if self.on_clash is not None:
                    self.on_clash(room.room)
                moved = True
        done = await self._rooms.transaction_events([k for u in units for k in u.txn_keys])
        for unit in units:
            for _, key in unit.txn_keys:
                if key in done:
                    unit.fail(DuplicateTransaction(done[key]))
        return moved or bool(done)

    async def _divide(self, units: list[Unit[Any]], error: Exception) -> None:
        """Something in the batch cannot be stored: halve it until that one stands alone."""
        if len(units) > 1:
            middle = len(units) // 2
            await self._commit(units[:middle])
            await self._commit(units[middle:])
            return
        for unit in units:
            if unit.conflict is None or not isinstance(error, ClashError):  # else foreseen
                log.warning("writer.refused", error=type(error).__name__, exc_info=error)
            unit.fail(_answer(error, unit.conflict))

    async def _settle_doubt(self, batch: Batch) -> bool:
        """Resolve a commit whose connection was cut, for as long as that takes."""
        delay = 0.05
        while True:
            try:
                async with asyncio.timeout(DOUBT_SECONDS):
                    settled = await settle_doubt(self._db, batch, self._clock.now_ms())
            except (StoreError, TimeoutError) as error:
                log.warning("writer.in_doubt", error=str(error))
                if self._stopping:
                    raise FencedError from error
                await self._pause(delay)
                delay = min(delay * 2, 2.0)
            else:
                self.lease, stored = settled
                return stored

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not through `stop`."""
        while seconds > 0 and not self._stopping:
            step = min(seconds, 0.1)
            await asyncio.sleep(step)
            seconds -= step


def _answer(error: Exception, conflict: MatrixError | None) -> Exception:
    """What the submitter of a change hears that cannot be stored even alone."""
    if isinstance(error, ClashError):
        return conflict or UnavailableError("This cannot be stored")
    if isinstance(error, PoisonError):
        return InvalidParamError("This cannot be stored")
    return error


def _touched(draft: Draft) -> list[tuple[int, int, int]]:
    """The rooms of a batch, each with its last position and what happened to it."""
    touched = {nid: (room.head.seq, STIRRED) for nid, room in draft.stirred.items()}
    for nid, room in draft.rooms.items():
        _, stirred = touched.get(nid, (0, 0))
        touched[nid] = (room.head.seq, stirred | (GREW if room.is_plain else MOVED))
    return [(nid, seq, how) for nid, (seq, how) in touched.items()]


def _users(draft: Draft) -> list[int | tuple[int, int]]:
    """The users of a batch; of those whose data did not change, or not only, what did."""
    return [nid if what == DATA else (nid, what) for nid, what in draft.users.items()]


def _fail(units: Sequence[Unit[Any]], error: BaseException) -> None:
    for unit in units:
        unit.fail(error)
