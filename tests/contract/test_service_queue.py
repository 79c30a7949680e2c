"""What `ServiceQueue` promises of messages to devices, on each kind of store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from homeserver.application.ports.device_store import Device
from homeserver.application.ports.role import RoleLostError
from homeserver.application.ports.service_log import InboxMark, Parcel
from homeserver.application.ports.to_device_store import Terminal
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from homeserver.infrastructure.sql.dump import dump, load
from homeserver.infrastructure.sql.service_queue import SqlServiceQueue
from homeserver.infrastructure.sql.to_device_store import SqlToDeviceStore
from homeserver.infrastructure.sql.users import SqlUserStore
from tests.support.store import STORE_KINDS, Store, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from homeserver.application.writing.draft import Draft

ANN, BOB = 1, 2
PHONE, LAPTOP = Terminal(ANN, 11, "PHONE"), Terminal(ANN, 12, "LAPTOP")
WATCH = Terminal(BOB, 21, "WATCH")
IRC = "irc"


@pytest_asyncio.fixture(params=STORE_KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """One with three devices of two users."""
    async with open_store(request.param, tmp_path) as opened:
        users, devices = SqlUserStore(opened.database), SqlDeviceStore(opened.database)

        def people(draft: Draft) -> None:
            users.add(draft, ANN, "@ann:firn.test")
            users.add(draft, BOB, "@bob:firn.test")
            for terminal in (PHONE, LAPTOP, WATCH):
                devices.add(draft, Device(terminal.device_nid, terminal.user_nid, terminal[2]))

        await opened.writer.submit(people)
        yield opened


@pytest.fixture
def queue(store: Store) -> SqlServiceQueue:
    """The port."""
    return SqlServiceQueue(store.database)


async def put(
    store: Store, *messages: tuple[Terminal, bytes], services: Sequence[str] = (IRC,)
) -> None:
    """Add messages in one change."""
    inboxes = SqlToDeviceStore(store.database)

    def change(draft: Draft) -> None:
        for terminal, body in messages:
            inboxes.add(draft, terminal, body, services)

    await store.writer.submit(change)


async def bodies(queue: SqlServiceQueue, service_id: str = IRC, limit: int = 99) -> list[bytes]:
    """What waits for a service."""
    return [each.body for each in await queue.copies(service_id, limit)]


async def test_copies_know_whose_they_are_and_have_the_number_of_the_message(
    store: Store, queue: SqlServiceQueue
) -> None:
    await put(store, (PHONE, b"not copied"), services=())
    now = store.clock.now_ms()
    await put(store, (PHONE, b"1"), (WATCH, b"2"), (PHONE, b"3"), services=(IRC, "log"))
    found = await queue.copies(IRC, 99)
    assert [each[1:] for each in found] == [
        (PHONE.device_nid, 2, ANN, "@ann:firn.test", "PHONE", b"1"),
        (PHONE.device_nid, 3, ANN, "@ann:firn.test", "PHONE", b"3"),
        (WATCH.device_nid, 1, BOB, "@bob:firn.test", "WATCH", b"2"),
    ]
    assert all(now <= each.ts <= store.clock.now_ms() for each in found)
    assert await queue.copies("log", 99) == found
    assert await bodies(queue, "other") == []
    assert await bodies(queue, limit=1) == [b"1"]


async def test_the_order_of_a_device_holds_where_clocks_do_not_agree(
    store: Store, queue: SqlServiceQueue
) -> None:
    store.clock.advance(60)
    await put(store, (PHONE, b"1"))
    store.clock.advance(-60)
    await put(store, (PHONE, b"2"), (WATCH, b"other"))
    assert await bodies(queue) == [b"other", b"1", b"2"]
    assert await bodies(queue, limit=2) == [b"other", b"1"]


async def test_what_is_packed_is_in_the_parcel_and_waits_no_more(
    store: Store, queue: SqlServiceQueue
) -> None:
    await put(store, (PHONE, b"1"), (PHONE, b"2"), (WATCH, b"3"))
    first, *_ = found = await queue.copies(IRC, 2)
    new = Parcel(0, 0, "t1", b"body", (InboxMark(ANN, PHONE.device_nid, 2),))
    packed = await queue.pack(IRC, Parcel(), new, found)
    store.clock.advance(-60)
    await put(store, (LAPTOP, b"from a clock that is behind"))

    assert first.body == b"1"
    assert packed == await queue.parcel(IRC) == new._replace(rev=1)
    assert await bodies(queue) == [b"from a clock that is behind", b"3"]
    assert len(await store.dump("to_device")) == 4


async def test_what_was_taken_leaves_the_inboxes_and_nothing_else_does(
    store: Store, queue: SqlServiceQueue
) -> None:
    inboxes = SqlToDeviceStore(store.database)
    await put(store, (PHONE, b"from before"), services=())
    await put(store, (PHONE, b"1"), (LAPTOP, b"2"), (PHONE, b"3"))
    marks = (InboxMark(ANN, PHONE.device_nid, 2), InboxMark(ANN, LAPTOP.device_nid, 1))
    last = await queue.pack(IRC, Parcel(), Parcel(0, 0, "t1", b"1", marks))
    last = await queue.pack(IRC, last, Parcel(0, 0, "t2", b"2"))
    left = [(1, b"from before"), (3, b"3")]
    assert (await inboxes.waiting(ANN, PHONE.device_nid, 0, 9)).messages == left
    assert (await inboxes.waiting(ANN, LAPTOP.device_nid, 0, 9)).first is None

    last = await queue.done(IRC, last)
    assert last == await queue.parcel(IRC)
    assert (last.body, last.inboxes) == (b"", ())
    assert (await inboxes.waiting(ANN, PHONE.device_nid, 0, 9)).messages == left


async def test_the_inbox_of_a_device_that_reads_it_is_left_alone(
    store: Store, queue: SqlServiceQueue
) -> None:
    inboxes = SqlToDeviceStore(store.database)
    await put(store, (PHONE, b"1"), (LAPTOP, b"2"))
    for _ in range(2):  # each worker may note it
        await store.writer.submit(lambda draft: inboxes.note_reader(draft, ANN, PHONE.device_nid))
    marks = [InboxMark(ANN, device.device_nid, 1) for device in (PHONE, LAPTOP)]
    last = await queue.pack(IRC, Parcel(), Parcel(0, 0, "t1", b"1", marks))
    await queue.done(IRC, last)
    assert [row[1] for row in await store.dump("to_device")] == [PHONE.device_nid]


async def test_of_two_that_pack_one_is_late_and_changes_nothing(
    store: Store, queue: SqlServiceQueue
) -> None:
    await put(store, (PHONE, b"1"), (PHONE, b"2"))
    one, both = await queue.copies(IRC, 1), await queue.copies(IRC, 2)
    last = Parcel()
    for txn_id in ("first", "second"):
        new = await queue.pack(IRC, last, Parcel(0, 0, txn_id, b"1"), one)
        with pytest.raises(RoleLostError):
            await queue.pack(IRC, last, Parcel(0, 0, "late", b"1 and 2"), both)
        assert await bodies(queue) == [b"2"]
        last = new
    assert (await queue.parcel(IRC)).txn_id == "second"


async def test_copies_for_a_device_that_ends_go_with_it(
    store: Store, queue: SqlServiceQueue
) -> None:
    inboxes = SqlToDeviceStore(store.database)
    await put(store, (PHONE, b"1"), (LAPTOP, b"2"), (WATCH, b"3"))

    def note_all(draft: Draft) -> None:
        for terminal in (PHONE, LAPTOP, WATCH):
            inboxes.note_reader(draft, terminal.user_nid, terminal.device_nid)

    await store.writer.submit(note_all)
    await store.writer.submit(lambda draft: inboxes.remove(draft, ANN, PHONE.device_nid))
    assert await bodies(queue) == [b"2", b"3"]
    await store.writer.submit(lambda draft: inboxes.remove_others(draft, ANN, 0))
    assert await bodies(queue) == [b"3"]
    assert await store.dump("reading_device") == [(BOB, WATCH.device_nid)]
    assert [row[0] for row in await store.dump("to_device")] == [BOB]


@pytest.mark.parametrize("store", ["mysql"], indirect=True)
async def test_nothing_is_lost_or_packed_twice_while_three_workers_send(store: Store) -> None:
    writers = [store.worker, await store.join("second"), await store.join("third")]
    inboxes, queue = SqlToDeviceStore(store.database), SqlServiceQueue(store.database)
    over = asyncio.Event()
    packed: list[tuple[int, int]] = []

    async def write(number: int) -> None:
        for count in range(20):
            body = f"{number}-{count}".encode()

            def change(draft: Draft, body: bytes = body, number: int = number) -> None:
                for terminal in (PHONE, WATCH) if number % 2 else (WATCH, PHONE):
                    inboxes.add(draft, terminal, body, (IRC,))

            await writers[number].writer.submit(change)

    async def deliver() -> None:
        last, ended = Parcel(), False
        while not ended:
            ended = over.is_set()
            while found := await queue.copies(IRC, 7):
                marks = [InboxMark(c.user_nid, c.device_nid, c.inbox_seq) for c in found]
                last = await queue.pack(IRC, last, Parcel(0, 0, "t", b"b", marks), found)
                packed.extend((each.device_nid, each.inbox_seq) for each in found)
            if last.body:
                last = await queue.done(IRC, last)

    delivering = asyncio.create_task(deliver())
    await asyncio.gather(*(write(number) for number in range(3)))
    over.set()
    await delivering
    for terminal in (PHONE, WATCH):
        assert [seq for nid, seq in packed if nid == terminal.device_nid] == list(range(1, 61))
    assert await store.dump("to_device") == []


async def test_a_backup_holds_what_waits(
    store: Store, queue: SqlServiceQueue, tmp_path: Path
) -> None:
    await put(store, (PHONE, b"1"), (PHONE, b"2"))
    found = await queue.copies(IRC, 1)
    marks = (InboxMark(ANN, PHONE.device_nid, 1),)
    packed = await queue.pack(IRC, Parcel(), Parcel(0, 0, "t", b"body", marks), found)
    await dump(store.database, tmp_path / "backup")
    await queue.done(IRC, packed)
    await load(store.database, tmp_path / "backup", store.server_name)
    assert await queue.parcel(IRC) == packed
    assert await bodies(queue) == [b"2"]
