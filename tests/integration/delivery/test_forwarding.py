"""Writes to a crowded room are done by one worker, each once, whatever happens between the two."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from homeserver.application.delivery.frames import OUTCOMES, WRITES
from homeserver.application.forwarding import desk, forwarder
from homeserver.application.forwarding.crowded import preferred_worker
from homeserver.application.forwarding.forwarder import PATIENCE
from homeserver.application.sync import unanswered
from tests.support.client import MatrixRefusal
from tests.support.cluster import open_cluster
from tests.support.redis import eventually
from tests.support.syncing import bodies, ids

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cluster import ClusterTown, HoppingPhone
    from tests.support.syncing import SyncTown


@dataclass
class Scene:
    """A room, its preferred worker, and Juliet, a member who talks to the other worker."""

    town: ClusterTown
    room: str
    preferred: SyncTown
    other: SyncTown
    romeo: HoppingPhone
    juliet: HoppingPhone

    async def crowd(self) -> None:
        """Let the other worker clash in the room, and meet the preferred one."""
        core, forward = self.other.core, self.other.forwarder
        assert core.writer.on_clash is not None
        assert forward is not None
        core.writer.on_clash(await core.rooms.get(self.room))
        await self.juliet.send(self.room, "done here, with a greeting")
        name = self.preferred.delivery.worker
        await eventually(lambda: forward._peers.time_at(name) is not None, 2)
        self.town.post.frames.clear()

    async def writer_of_head(self) -> int:
        """The slot that wrote last."""
        room = await self.preferred.core.rooms.get(self.room)
        await self.preferred.core.rooms.renew(room)
        return room.head.slot

    async def texts(self) -> list[str]:
        """All messages of the room, oldest first."""
        await self.town.settle()
        chunk = await self.romeo.room_call("GET", self.room, "messages", dir="b", limit=500)
        found = [e["content"].get("body") for e in chunk["chunk"] if "state_key" not in e]
        return found[::-1]


async def _scene(town: ClusterTown) -> Scene:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 0)
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    by_name = {worker.delivery.worker: worker for worker in town.workers}
    preferred = by_name.pop(preferred_worker(room, by_name))
    other = next(iter(by_name.values()))
    romeo.base, juliet.base = preferred.base, other.base
    await town.settle()
    return Scene(town, room, preferred, other, romeo, juliet)


async def test_a_quiet_room_is_written_where_the_request_is(town: ClusterTown) -> None:
    scene = await _scene(town)
    await scene.juliet.send(scene.room, "hello")
    assert await scene.writer_of_head() == scene.other.core.writer.lease.slot
    assert town.post.count(WRITES) == 0


async def test_a_room_that_clashed_is_written_by_its_preferred_worker(town: ClusterTown) -> None:
    scene = await _scene(town)
    await scene.juliet.send(scene.room, "quiet")
    for worker in town.workers:
        assert worker.core.tail is not None
        await worker.core.tail.stop()
    await scene.romeo.send(scene.room, "unseen")
    await scene.juliet.send(scene.room, "clashes")
    forward = scene.other.forwarder
    assert forward is not None
    for worker in town.workers:
        assert worker.core.tail is not None
        worker.core.tail.start()
    await scene.juliet.send(scene.room, "greets")
    name = scene.preferred.delivery.worker
    await eventually(lambda: forward._peers.time_at(name) is not None, 2)
    event_id = await scene.juliet.send(scene.room, "forwarded")
    assert await scene.writer_of_head() == scene.preferred.core.writer.lease.slot
    assert await scene.texts() == ["quiet", "unseen", "clashes", "greets", "forwarded"]
    await scene.juliet.get()
    sent = scene.juliet.rooms[scene.room].timeline[-1]
    assert sent["event_id"] == event_id
    assert sent["unsigned"]["transaction_id"]
    assert sent["sender"] == scene.juliet.user_id


async def test_many_writes_share_few_frames(town: ClusterTown) -> None:
    scene = await _scene(town)
    await scene.crowd()
    sent = await asyncio.gather(*(scene.juliet.send(scene.room, f"{n}") for n in range(40)))
    assert len(set(sent)) == 40
    assert sorted((await scene.texts())[1:]) == sorted(f"{n}" for n in range(40))
    assert 0 < town.post.count(WRITES) < 40
    assert town.post.count(OUTCOMES) < 40


async def test_redactions_are_forwarded_too(town: ClusterTown) -> None:
    scene = await _scene(town)
    said = await scene.juliet.send(scene.room, "oops")
    await scene.crowd()
    await scene.juliet.redact(scene.room, said)
    assert await scene.writer_of_head() == scene.preferred.core.writer.lease.slot
    assert await scene.texts() == [None, "done here, with a greeting", None]


async def test_the_answer_leaves_before_the_senders_syncs_bring_the_event(
    town: ClusterTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the worker that was asked: the event may be there before the other worker's outcome."""
    monkeypatch.setattr(unanswered, "LONGEST_S", 20.0)
    monkeypatch.setattr(forwarder, "PATIENCE", 20.0)
    scene = await _scene(town)
    await scene.crowd()
    nurse, other = await town.phone("nurse", 0), await town.phone("juliet", 0)
    for phone in (nurse, other):
        phone.base = scene.juliet.base
    await nurse.do("join", scene.room)
    await town.settle()
    for phone in (nurse, other):
        await phone.get()
    hers, sees = (asyncio.create_task(p.get(timeout_ms=20_000)) for p in (other, nurse))
    town.post.held_kinds.add(OUTCOMES)
    sending = asyncio.create_task(scene.juliet.send(scene.room, "forwarded"))
    async with asyncio.timeout(10):
        assert bodies((await sees)["rooms"]["join"][scene.room]) == ["forwarded"]
        await nurse.get()  # whoever was to be told with her has been told by now
        assert not hers.done()
        assert not sending.done()
        town.post.release()
        event_id = await sending
        assert ids((await hers)["rooms"]["join"][scene.room]) == [event_id]
    assert town.post.count(WRITES) == 1


@pytest.mark.parametrize("fault", ["answer lost", "answer late", "write lost", "write late"])
async def test_I2_what_falls_back_is_done_once(town: ClusterTown, fault: str) -> None:
    scene = await _scene(town)
    await scene.crowd()
    what, fate = fault.split()
    kind = {"answer": OUTCOMES, "write": WRITES}[what]
    (town.post.lost_kinds if fate == "lost" else town.post.held_kinds).add(kind)
    start = time.monotonic()
    event_id = await scene.juliet.send(scene.room, "once", txn="t")
    assert time.monotonic() - start > PATIENCE
    again = asyncio.create_task(scene.juliet.send(scene.room, "once", txn="t"))
    assert len(town.post.held) == (fate == "late")
    town.post.release()
    town.post.lost_kinds.clear()
    assert await again == event_id
    for worker in town.workers:
        scene.juliet.base = worker.base
        assert await scene.juliet.send(scene.room, "once", txn="t") == event_id
    await scene.romeo.send(scene.room, "end")
    assert (await scene.texts())[1:] == ["once", "end"]


async def test_a_dead_worker_costs_one_wait(town: ClusterTown) -> None:
    scene = await _scene(town)
    await scene.crowd()
    del town.post.lines.lines[scene.preferred.delivery.worker]
    await scene.juliet.send(scene.room, "waits")
    start = time.monotonic()
    for n in range(5):
        await scene.juliet.send(scene.room, f"{n}")
    assert time.monotonic() - start < PATIENCE
    assert (await scene.texts())[1:] == ["waits", *(f"{n}" for n in range(5))]


async def test_a_worker_of_another_version_is_never_waited_for(town: ClusterTown) -> None:
    scene = await _scene(town)
    mailbox = scene.preferred.delivery.mailbox
    core = scene.other.core
    assert mailbox is not None
    assert core.writer.on_clash is not None
    del mailbox.kinds[WRITES]
    core.writer.on_clash(await core.rooms.get(scene.room))
    start = time.monotonic()
    for n in range(5):
        await scene.juliet.send(scene.room, f"{n}")
    assert time.monotonic() - start < PATIENCE
    assert mailbox.dropped >= 1
    assert await scene.writer_of_head() == core.writer.lease.slot


async def test_what_was_long_on_its_way_is_not_begun(
    town: ClusterTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await _scene(town)
    await scene.crowd()
    monkeypatch.setattr(desk, "LATE_SECONDS", -1.0)
    await scene.juliet.send(scene.room, "late")
    assert town.post.count(WRITES) == 1
    assert await scene.writer_of_head() == scene.other.core.writer.lease.slot


async def test_refusals_are_those_of_this_worker(town: ClusterTown) -> None:
    scene = await _scene(town)
    await scene.crowd()
    nurse = await town.phone("nurse", 0)
    nurse.base = scene.juliet.base
    for text, who, refusal in (
        ("x" * 70_000, scene.juliet, (413, "M_TOO_LARGE")),
        ("outside", nurse, (403, "M_FORBIDDEN")),
    ):
        with pytest.raises(MatrixRefusal) as refused:
            await who.send(scene.room, text)
        assert (refused.value.status, refused.value.errcode) == refusal
    with pytest.raises(MatrixRefusal) as refused:
        await scene.juliet.redact(scene.room, "$nothing")
    assert (refused.value.status, refused.value.errcode) == (404, "M_NOT_FOUND")
    assert town.post.count(WRITES) == 3


async def test_who_may_write_since_a_moment_ago_is_not_refused(town: ClusterTown) -> None:
    """The preferred worker may know less of the state than the one that was asked."""
    scene = await _scene(town)
    levels = {"events_default": 50}
    await scene.romeo.state(scene.room, "m.room.power_levels", levels)
    await town.settle()
    with pytest.raises(MatrixRefusal):
        await scene.juliet.send(scene.room, "too early")
    assert scene.preferred.core.tail is not None
    await scene.preferred.core.tail.stop()
    scene.romeo.base = scene.other.base
    levels["events_default"] = 0
    await scene.romeo.state(scene.room, "m.room.power_levels", levels)
    await scene.crowd()
    await scene.juliet.send(scene.room, "now I may")
    assert town.post.count(WRITES) == 1
    scene.preferred.core.tail.start()
    assert (await scene.texts())[-1] == "now I may"


async def test_a_session_that_ended_writes_nothing_elsewhere(town: ClusterTown) -> None:
    scene = await _scene(town)
    await scene.crowd()
    scene.preferred.known = {}
    await scene.juliet.send(scene.room, "judged here")
    assert town.post.count(WRITES) == 1
    assert await scene.writer_of_head() == scene.other.core.writer.lease.slot


async def test_a_worker_that_stops_takes_no_more(town: ClusterTown) -> None:
    scene = await _scene(town)
    await scene.crowd()
    scene.preferred.core.hub.draining = True
    start = time.monotonic()
    await scene.juliet.send(scene.room, "declined")
    await scene.juliet.send(scene.room, "not even asked")
    assert time.monotonic() - start < PATIENCE
    assert town.post.count(OUTCOMES) >= 1
    assert await scene.writer_of_head() == scene.other.core.writer.lease.slot


async def test_foreign_frames_change_nothing(town: ClusterTown) -> None:
    scene = await _scene(town)
    await scene.crowd()
    mailbox = scene.preferred.delivery.mailbox
    assert mailbox is not None
    await scene.juliet.send(scene.room, "once")
    worker, frame = next(f for f in town.post.frames if f[1][1] == WRITES)
    assert worker == scene.preferred.delivery.worker
    dropped = mailbox.dropped
    mailbox.receive(frame[:2] + b"x" + frame[3:])
    assert mailbox.dropped == dropped + 1
    mailbox.receive(frame)
    await scene.romeo.send(scene.room, "end")
    assert (await scene.texts())[1:] == ["once", "end"]


async def test_I1_I2_a_crowd_over_a_bad_bus(tmp_path: Path) -> None:
    """Three workers, one room; each transaction is sent twice, at any two workers."""
    async with open_cluster(tmp_path, "a", "b", "c") as town:
        phones = [await town.phone(name) for name in ("romeo", "juliet", "nurse")]
        room = await phones[0].create_room(preset="public_chat")
        for phone in phones[1:]:
            await phone.do("join", room)
        town.post.lose, town.post.double, town.post.delay = 0.1, 0.2, 0.3

        async def say(phone: HoppingPhone, n: int) -> tuple[str, str]:
            text = f"{phone.device_id} {n}"
            ids = [await phone.send(room, text, txn=f"t{n}") for _ in range(2)]
            assert len(set(ids)) == 1
            return text, ids[0]

        said: dict[str, str] = {}
        for n in range(0, 30, 5):
            together = [say(phone, i) for phone in phones for i in range(n, n + 5)]
            said.update(await asyncio.gather(*together))
        assert town.post.count(WRITES) > 0
        await town.settle()
        await phones[0].get({"room": {"timeline": {"limit": 100}}})
        seen = [e for e in phones[0].rooms[room].timeline if e["type"] == "m.room.message"]
        assert {e["content"]["body"]: e["event_id"] for e in seen} == said
        assert len(seen) == len(said)
