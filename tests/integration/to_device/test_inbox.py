"""Sync-point 22, I9: messages to a device come in order, until its next token says that they came."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.accounts.remove_devices import RemoveDevices
from homeserver.application.ports.to_device_store import Terminal
from homeserver.application.to_device.remove_inboxes import RemoveInboxes
from homeserver.domain.sync.token import SyncToken, decode_token, encode_token
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from homeserver.infrastructure.sql.restore import begin_generation
from homeserver.infrastructure.sql.to_device_store import SqlToDeviceStore
from tests.support.messages import KIND, numbers, send, tell
from tests.support.syncing import now

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


class NoSessions:
    """Sessions are kept elsewhere in these tests."""

    def invalidate_user(self, user_nid: int) -> None:
        """See `SessionCache`."""


QUIET = {"next_batch", "device_one_time_keys_count", "device_unused_fallback_key_types"}


async def stored(town: SyncTown) -> list[int]:
    """The numbers that are in any inbox, once what was acknowledged is gone."""
    await town.parts.inboxes.settle()
    return sorted(row[2] for row in await town.store.dump("to_device"))


async def another(town: SyncTown, phone: Phone) -> Phone:
    """One more device of the same user."""
    return await town.phone(phone.user_id[1:].partition(":")[0])


async def test_a_message_has_type_content_and_sender(romeo: Phone, juliet: Phone) -> None:
    assert await send(romeo, {juliet.user_id: {juliet.device_id: {"n": [1, "é"]}}}, "1") == {}
    answer = await juliet.get()
    assert answer["to_device"]["events"] == [
        {"type": KIND, "sender": romeo.user_id, "content": {"n": [1, "é"]}}
    ]


async def test_it_comes_again_until_the_next_token_is_presented(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await juliet.get()
    await tell(romeo, juliet, 1, 2)
    since = juliet.since
    assert numbers(await juliet.fresh(since=since)) == [1, 2]
    assert numbers(await juliet.fresh(since=since)) == [1, 2]
    assert await stored(town) == [1, 2]
    assert numbers(await juliet.get()) == [1, 2]
    assert set(await juliet.get()) == QUIET
    assert await stored(town) == []
    await tell(romeo, juliet, 3)
    assert numbers(await juliet.get()) == [3]


async def test_a_late_old_token_takes_nothing_that_is_new(romeo: Phone, juliet: Phone) -> None:
    await juliet.get()
    old = juliet.since
    await tell(romeo, juliet, 1)
    await juliet.get()
    await juliet.get()
    await tell(romeo, juliet, 2)
    assert numbers(await juliet.fresh(since=old)) == [2]
    assert numbers(await juliet.get()) == [2]


async def test_an_unsynced_device_finds_all_at_its_first_sync(romeo: Phone, juliet: Phone) -> None:
    await tell(romeo, juliet, 1, 2, 3)
    assert numbers(await juliet.get()) == [1, 2, 3]


async def test_a_hundred_at_once_and_the_rest_at_once_after(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await juliet.get()
    await asyncio.gather(*(tell(romeo, juliet, number) for number in range(230)))
    got, sizes = [], []
    for _ in range(3):
        began = now()
        answer = await juliet.get(timeout_ms=20_000)
        assert now() - began < 5
        got += numbers(answer)
        sizes.append(len(numbers(answer)))
    assert sizes == [100, 100, 30]
    assert sorted(got) == list(range(230))
    await juliet.get()
    assert await stored(town) == []


async def test_large_messages_come_in_small_answers(romeo: Phone, juliet: Phone) -> None:
    await juliet.get()
    large = {"n": 0, "filler": "x" * 60_000}
    for number in range(20):
        to = {juliet.user_id: {juliet.device_id: {**large, "n": number}}}
        await send(romeo, to, f"{number}")
    first = numbers(await juliet.get())
    assert 10 < len(first) < 20
    assert first + numbers(await juliet.get()) == list(range(20))


async def test_concurrent_senders_leave_no_hole_in_the_numbers(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    others = [romeo, *[await another(town, romeo) for _ in range(3)]]
    tasks = [tell(other, juliet, *range(k * 10, k * 10 + 10)) for k, other in enumerate(others)]
    await asyncio.gather(*tasks)
    assert await stored(town) == list(range(1, 41))
    got = numbers(await juliet.get())
    for k in range(4):  # what one sender sent one after the other comes in that order
        assert [n for n in got if n // 10 == k] == list(range(k * 10, k * 10 + 10))


async def test_devices_have_inboxes_of_their_own(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    tablet = await another(town, juliet)
    await send(romeo, {juliet.user_id: {tablet.device_id: {"n": 1}, "OTHER": {"n": 9}}}, "1")
    await send(romeo, {juliet.user_id: {"*": {"n": 2}}, romeo.user_id: {"*": {"n": 3}}}, "2")
    assert numbers(await juliet.get()) == [2]
    assert numbers(await tablet.get()) == [1, 2]
    assert numbers(await romeo.get()) == [3]


async def test_a_token_of_another_device_acknowledges_nothing(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    tablet = await another(town, juliet)
    await send(romeo, {juliet.user_id: {"*": {"n": 1}}}, "1")
    assert numbers(await juliet.get()) == [1]
    tablet.since = juliet.since
    assert numbers(await tablet.get()) == [1]
    assert len(await stored(town)) == 2


async def test_a_message_wakes_the_poll_of_its_device_alone(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    tablet = await another(town, juliet)
    await juliet.get()
    await tablet.get()
    polls = [asyncio.create_task(p.get(timeout_ms=1500)) for p in (juliet, tablet)]
    await asyncio.sleep(0.1)
    sent = now()
    await tell(romeo, juliet, 1)
    assert numbers(await polls[0]) == [1]
    assert now() - sent < 1
    assert set(await polls[1]) == QUIET


async def test_a_repeated_transaction_adds_nothing(romeo: Phone, juliet: Phone) -> None:
    to = {juliet.user_id: {juliet.device_id: {"n": 1}}}
    await asyncio.gather(*(send(romeo, to, "same") for _ in range(5)))
    await send(romeo, to, "same")
    assert numbers(await juliet.get()) == [1]
    await send(romeo, to, "same", kind="org.firn.other")  # the path is part of its name
    assert numbers(await juliet.get()) == [1]


async def test_a_restart_loses_and_doubles_nothing(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await juliet.get()
    await tell(romeo, juliet, 1)
    await town.restart()
    assert numbers(await juliet.get()) == [1]
    await town.restart()
    await tell(romeo, juliet, 1, 2)  # the first is a repetition
    assert numbers(await juliet.get()) == [2]
    await juliet.get()
    assert await stored(town) == []


async def test_what_was_acknowledged_and_not_cleared_is_cleared_later(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await tell(romeo, juliet, 1)
    assert numbers(await juliet.get()) == [1]
    await town.restart()  # nothing in memory says that there is something to clear
    assert set(await juliet.get()) == QUIET
    assert await stored(town) == []


async def test_F14_a_token_of_an_older_store_acknowledges_nothing(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await juliet.get()
    await tell(romeo, juliet, 1)
    await juliet.get()
    core = town.core
    nid = town.requester(juliet).user_nid
    token = decode_token(str(juliet.since), user=nid, generation=core.generation)
    assert isinstance(token, SyncToken)
    assert token.inbox[1] == 1
    await core.writer.stop()
    await begin_generation(core.database, b"anotherg", 0)
    await town.stop()
    await town.start()
    # its number may name another message now: better twice than never
    assert numbers(await juliet.get()) == [1]
    await juliet.get()
    assert await stored(town) == []


async def test_a_token_from_before_there_were_inboxes_is_good(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await juliet.get()
    await tell(romeo, juliet, 1)
    requester = town.requester(juliet)
    vector, generation = town.core.hub.ticks.vector, town.core.generation
    juliet.since = encode_token(SyncToken(vector, generation, requester.user_nid))
    assert juliet.since.startswith("s1_")
    assert numbers(await juliet.get()) == [1]
    assert str(juliet.since).startswith("s2_")


@pytest.mark.parametrize("all_at_once", [False, True])
async def test_messages_go_with_their_device(
    town: SyncTown, romeo: Phone, juliet: Phone, *, all_at_once: bool
) -> None:
    tablet = await another(town, juliet)
    await send(romeo, {juliet.user_id: {"*": {"n": 1}}}, "1")
    core, gone, stays = town.core, town.requester(tablet), town.requester(juliet)
    store = SqlToDeviceStore(core.database)
    remove = RemoveDevices(SqlDeviceStore(core.database), NoSessions(), (RemoveInboxes(store),))
    if all_at_once:
        await core.writer.submit(await remove.others(gone.user_nid, but=stays.device_nid))
    else:
        await core.writer.submit(await remove.these(gone.user_nid, [gone.device_nid]))
    assert [row[1] for row in await town.store.dump("to_device")] == [stays.device_nid]
    # one that was on its way when the device was removed
    late = Terminal(gone.user_nid, gone.device_nid, tablet.device_id)
    await core.writer.submit(lambda draft: store.add(draft, late, b"{}"))
    assert len(await town.store.dump("to_device")) == 1
    await tell(romeo, juliet, 2)
    assert numbers(await juliet.get()) == [1, 2]


async def test_a_quiet_sync_costs_no_look_at_the_inbox(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    await tell(romeo, juliet, 1)
    for _ in range(2):
        await juliet.get()
    await town.parts.inboxes.settle()
    await juliet.get()
    looks = 0
    waiting = SqlToDeviceStore.waiting

    async def counted(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        return await waiting(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqlToDeviceStore, "waiting", counted)
        for _ in range(3):
            await juliet.get()
        await juliet.keep("org.one", {})
        assert "account_data" in await juliet.get()
        await tell(romeo, romeo, 5)
        await juliet.get()
        assert looks == 0
        await tell(romeo, juliet, 2)
        assert numbers(await juliet.get()) == [2]
        assert looks == 1


async def test_old_transactions_are_forgotten(town: SyncTown, romeo: Phone, juliet: Phone) -> None:
    await tell(romeo, juliet, 1)
    assert len(await town.store.dump("to_device_txn")) == 1
    clock = town.core.clock
    await town.to_device.forget_transactions(clock.now_ms())
    assert len(await town.store.dump("to_device_txn")) == 1
    await town.to_device.forget_transactions(clock.now_ms() + 86_400_001)
    assert await town.store.dump("to_device_txn") == []
