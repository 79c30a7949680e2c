"""What `ToDeviceStore` promises, on each kind of store."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from homeserver.application.ports.device_store import Device
from homeserver.application.ports.to_device_store import Terminal, Waiting
from homeserver.domain.shared.errors import UserInUseError
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from homeserver.infrastructure.sql.dump import dump, load
from homeserver.infrastructure.sql.to_device_store import SqlToDeviceStore
from homeserver.infrastructure.sql.users import SqlUserStore
from tests.support.store import STORE_KINDS, Store, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from homeserver.application.writing.draft import Draft

ANN, BOB = 1, 2
PHONE, LAPTOP = Terminal(ANN, 11, "PHONE"), Terminal(ANN, 12, "LAPTOP")
WATCH = Terminal(BOB, 21, "WATCH")
REFUSED = UserInUseError("taken")


@pytest_asyncio.fixture(params=STORE_KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """One with three devices of two users."""
    async with open_store(request.param, tmp_path) as opened:
        users, devices = SqlUserStore(opened.database), SqlDeviceStore(opened.database)

        def people(draft: Draft) -> None:
            users.add(draft, ANN, "@ann:firn.test")
            users.add(draft, BOB, "@bob:firn.test")
            users.add(draft, 3, "@cat:firn.test")
            for terminal in (PHONE, LAPTOP, WATCH):
                devices.add(draft, Device(terminal.device_nid, terminal.user_nid, terminal[2]))

        await opened.writer.submit(people)
        yield opened


@pytest.fixture
def inboxes(store: Store) -> SqlToDeviceStore:
    """The port."""
    return SqlToDeviceStore(store.database)


async def put(store: Store, inboxes: SqlToDeviceStore, terminal: Terminal, *bodies: bytes) -> None:
    """Add messages in one change."""

    def change(draft: Draft) -> None:
        for body in bodies:
            inboxes.add(draft, terminal, body)

    await store.writer.submit(change)


async def test_devices_are_found_by_their_users(inboxes: SqlToDeviceStore) -> None:
    users = ("@ann:firn.test", "@cat:firn.test", "@nobody:firn.test", "@bob:firn.test")
    assert await inboxes.terminals(users) == {
        "@ann:firn.test": [LAPTOP, PHONE],
        "@bob:firn.test": [WATCH],
    }
    assert await inboxes.terminals(()) == {}


async def test_numbers_go_on_over_batches_and_clearings(
    store: Store, inboxes: SqlToDeviceStore
) -> None:
    await put(store, inboxes, PHONE, b"1", b"2", b"3")
    assert await inboxes.waiting(ANN, PHONE.device_nid, 0, 9) == Waiting(
        3, 1, [(1, b"1"), (2, b"2"), (3, b"3")]
    )
    await store.writer.submit(lambda draft: inboxes.clear(draft, ANN, PHONE.device_nid, 2))
    await put(store, inboxes, PHONE, b"4")
    assert await inboxes.waiting(ANN, PHONE.device_nid, 2, 1) == Waiting(4, 3, [(3, b"3")])
    assert await inboxes.waiting(ANN, PHONE.device_nid, 3, 9) == Waiting(4, 3, [(4, b"4")])
    await store.writer.submit(lambda draft: inboxes.clear(draft, ANN, PHONE.device_nid, 4))
    assert await inboxes.waiting(ANN, PHONE.device_nid, 0, 9) == Waiting(4, None, [])
    await put(store, inboxes, PHONE, b"5")
    assert await inboxes.waiting(ANN, PHONE.device_nid, 0, 9) == Waiting(5, 5, [(5, b"5")])


async def test_an_inbox_is_one_device_s(store: Store, inboxes: SqlToDeviceStore) -> None:
    await put(store, inboxes, PHONE, b"p")
    await put(store, inboxes, LAPTOP, b"l")
    assert await inboxes.waiting(ANN, LAPTOP.device_nid, 0, 9) == Waiting(1, 1, [(1, b"l")])
    assert await inboxes.waiting(BOB, LAPTOP.device_nid, 0, 9) == Waiting(0, None, ())
    assert await inboxes.waiting(BOB, WATCH.device_nid, 0, 9) == Waiting(0, None, [])
    await store.writer.submit(lambda draft: inboxes.remove_others(draft, ANN, LAPTOP.device_nid))
    assert (await inboxes.waiting(ANN, PHONE.device_nid, 0, 9)).first is None
    assert (await inboxes.waiting(ANN, LAPTOP.device_nid, 0, 9)).first == 1


async def test_what_is_for_a_device_that_is_gone_vanishes(
    store: Store, inboxes: SqlToDeviceStore
) -> None:
    devices = SqlDeviceStore(store.database)

    def change(draft: Draft) -> None:
        inboxes.add(draft, PHONE, b"p")
        inboxes.add(draft, LAPTOP, b"l")
        devices.remove(draft, ANN, PHONE.device_nid)

    await store.writer.submit(change)
    assert [row[1:] for row in await store.dump("to_device")] == [(LAPTOP.device_nid, 1, b"l")]
    await put(store, inboxes, PHONE, b"late")
    assert await inboxes.waiting(ANN, PHONE.device_nid, 0, 9) == Waiting(0, None, ())


async def test_a_transaction_is_remembered_once(store: Store, inboxes: SqlToDeviceStore) -> None:
    key = b"k" * 16

    def first(draft: Draft) -> None:
        inboxes.remember(draft, ANN, key, b"answer")
        inboxes.add(draft, PHONE, b"1")

    await store.writer.submit(first)
    with pytest.raises(UserInUseError):
        await store.writer.submit(first, conflict=REFUSED)
    assert await inboxes.answer_to(ANN, key) == b"answer"
    assert await inboxes.answer_to(BOB, key) is None
    assert (await inboxes.waiting(ANN, PHONE.device_nid, 0, 9)).last == 1


async def test_transactions_are_forgotten_by_time(store: Store, inboxes: SqlToDeviceStore) -> None:
    for number in range(3):
        note = partial(inboxes.remember, user_nid=ANN, txn_key=bytes([number]) * 16, answer=b"")
        await store.writer.submit(note)
        store.clock.advance(10)
    now = store.clock.now_ms()
    assert await inboxes.old_transactions(now - 60_000, 9) is None
    second = await inboxes.old_transactions(now, 2)
    assert second is not None
    await store.writer.submit(lambda draft: inboxes.forget_transactions(draft, second))
    assert [row[1][0] for row in await store.dump("to_device_txn")] == [2]


@pytest.mark.parametrize("store", ["mysql"], indirect=True)
async def test_several_writers_fill_one_inbox_in_the_order_of_its_numbers(store: Store) -> None:
    writers = [store.worker, await store.join("second"), await store.join("third")]
    inboxes = SqlToDeviceStore(store.database)
    seen: list[tuple[int, bytes]] = []
    over = asyncio.Event()

    async def write(number: int) -> None:
        for count in range(30):
            body = f"{number}-{count}".encode()

            def change(draft: Draft, body: bytes = body, number: int = number) -> None:
                first, second = (PHONE, WATCH) if number % 2 else (WATCH, PHONE)
                inboxes.add(draft, first, body)  # in another order than the others'
                inboxes.add(draft, second, body)

            await writers[number].writer.submit(change)

    async def follow() -> None:
        after, last = 0, False
        while not last:
            last = over.is_set()
            for seq, body in (await inboxes.waiting(ANN, 11, after, 100)).messages:
                assert seq == after + 1  # none becomes visible before those with smaller numbers
                after = seq
                seen.append((seq, body))

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(number) for number in range(3)))
    over.set()
    await following
    assert [seq for seq, _ in seen] == list(range(1, 91))
    for number in range(3):
        mine = [body for _, body in seen if body.startswith(b"%d-" % number)]
        assert mine == [f"{number}-{count}".encode() for count in range(30)]


async def test_a_backup_holds_the_inboxes(
    store: Store, inboxes: SqlToDeviceStore, tmp_path: Path
) -> None:
    await put(store, inboxes, PHONE, b"1", b"2")
    await store.writer.submit(lambda draft: inboxes.clear(draft, ANN, PHONE.device_nid, 1))
    await store.writer.submit(lambda draft: inboxes.remember(draft, ANN, b"k" * 16, b""))
    before = await inboxes.waiting(ANN, PHONE.device_nid, 0, 9)
    path = tmp_path / "backup"
    await dump(store.database, path)
    await put(store, inboxes, PHONE, b"3")
    await load(store.database, path, store.server_name)
    assert before == Waiting(2, 2, [(2, b"2")])
    assert await inboxes.waiting(ANN, PHONE.device_nid, 0, 9) == before
    assert await inboxes.answer_to(ANN, b"k" * 16) == b""
