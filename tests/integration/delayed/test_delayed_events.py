"""Delayed events (MSC4140) as clients use them, on both forms of the server."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from homeserver.application.delayed import keep_sending
from homeserver.application.ports.account_store import Account
from homeserver.application.ports.delayed_store import Outcome
from homeserver.application.rooms.compose import NewEvent
from homeserver.bootstrap.rooms import build_schedule
from homeserver.config import LiveSettings, load
from homeserver.domain.shared.errors import FinalisedError, GuestAccessForbiddenError
from homeserver.infrastructure.sql.accounts import SqlAccountStore
from tests.support.client import MatrixRefusal
from tests.support.syncing import bodies, keyed

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from homeserver.application.ports.delayed_store import DelayedEvent
    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone, SyncTown

UNSTABLE = "/_matrix/client/unstable/org.matrix.msc4140"
DELAY = "org.matrix.msc4140.delay"
LONG = 3_600_000


async def _later(phone: Phone, room: str, delay_ms: int, txn: str = "t1", **more: Any) -> str:
    """Schedule by the endpoint of its own; the delay id."""
    path = (
        f"{UNSTABLE}/rooms/{quote(room)}/delayed_event/{more.pop('kind', 'm.room.message')}/{txn}"
    )
    body = {"delay_ms": delay_ms, "content": {"msgtype": "m.text", "body": txn}, **more}
    return str((await phone.call("PUT", path, body))["delay_id"])


async def _act(phone: Phone, delay_id: str, action: str) -> Any:
    return await phone.call("POST", f"{UNSTABLE}/delayed_events/{delay_id}/{action}", {})


async def _found(phone: Phone, delay_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await phone.call("GET", f"{UNSTABLE}/delayed_events/{delay_id}")
    return found


async def _finished(phone: Phone, delay_id: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while "finalised" not in (found := await _found(phone, delay_id)):
            await asyncio.sleep(0.02)
    outcome: dict[str, Any] = found["finalised"]
    return outcome


async def _refused(call: Awaitable[Any]) -> tuple[int, str]:
    with pytest.raises(MatrixRefusal) as refusal:
        await call
    return refusal.value.status, refusal.value.errcode


async def _texts(phone: Phone, room: str) -> list[str]:
    chunk = (await phone.room_call("GET", room, "messages", dir="f", limit=100))["chunk"]
    return [e["content"]["body"] for e in chunk if e["type"] == "m.room.message"]


async def test_a_message_is_sent_at_its_time_and_not_before(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    begun = time.monotonic()
    delay_id = await _later(romeo, room, 600)
    poll = asyncio.create_task(juliet.get(timeout_ms=10_000))
    scheduled = await _found(romeo, delay_id)
    assert (scheduled["type"], scheduled["room_id"]) == ("m.room.message", room)
    assert (scheduled["delay_ms"], scheduled["delay"]) == (600, 600)
    assert scheduled["content"] == {"msgtype": "m.text", "body": "t1"}
    assert "state_key" not in scheduled
    listed = await romeo.call("GET", f"{UNSTABLE}/delayed_events")
    assert listed == {"delayed_events": [scheduled]}
    answer = await poll
    assert time.monotonic() - begun >= 0.6
    assert bodies(answer["rooms"]["join"][room]) == ["t1"]
    outcome = await _finished(romeo, delay_id)
    event = await romeo.room_call("GET", room, f"event/{outcome['event_id']}")
    assert event["unsigned"]["org.matrix.msc4140.delay_id"] == delay_id
    assert "transaction_id" not in event["unsigned"]
    heard = await juliet.room_call("GET", room, f"event/{outcome['event_id']}")
    assert "org.matrix.msc4140.delay_id" not in heard["unsigned"]
    assert await romeo.call("GET", f"{UNSTABLE}/delayed_events") == {"delayed_events": []}


async def test_the_query_parameters_of_send_and_state(romeo: Phone) -> None:
    room = await romeo.create_room()
    body = {"msgtype": "m.text", "body": "later"}
    asked = {DELAY: 100}
    message = await romeo.room_call("PUT", room, "send/m.room.message/q1", body, **asked)
    state = await romeo.room_call("PUT", room, "state/org.example/key", {"n": 1}, **asked)
    for answer in (message, state):
        assert list(answer) == ["delay_id"]
        assert "event_id" in await _finished(romeo, answer["delay_id"])
    assert await _texts(romeo, room) == ["later"]
    held = await romeo.room_call("GET", room, "state/org.example/key")
    assert held == {"n": 1}
    fresh = (await romeo.fresh())["rooms"]["join"][room]
    assert ("org.example", "key") in keyed(fresh, "timeline") | keyed(fresh)
    for bad in ("0", "-1", "x", "1.5"):
        call = romeo.room_call("PUT", room, "send/m.room.message/q2", body, **{DELAY: bad})
        assert await _refused(call) == (400, "M_INVALID_PARAM")


async def test_heartbeats_keep_it_from_being_sent(romeo: Phone) -> None:
    """What MatrixRTC does: the hang-up is put off for as long as the client lives."""
    room = await romeo.create_room()
    delay_id = await _later(romeo, room, 1_000, kind="org.example.call", state_key="romeo")
    since = (await _found(romeo, delay_id))["delayed_since_ts"]
    for _ in range(4):
        await asyncio.sleep(0.4)
        assert await _act(romeo, delay_id, "restart") == {}
    found = await _found(romeo, delay_id)
    assert "finalised" not in found
    assert found["delayed_since_ts"] > since
    assert found["state_key"] == "romeo"
    assert "event_id" in await _finished(romeo, delay_id)


async def test_send_and_cancel_and_what_contradicts_them(romeo: Phone) -> None:
    room = await romeo.create_room()
    sent, cancelled = [await _later(romeo, room, LONG, txn) for txn in ("sent", "cancelled")]
    for _ in range(2):
        assert await _act(romeo, sent, "send") == {}
        assert await _act(romeo, cancelled, "cancel") == {}
    assert "event_id" in await _finished(romeo, sent)
    assert set(await _finished(romeo, cancelled)) == {"finalised_ts"}
    for delay_id, action in (
        (sent, "cancel"),
        (sent, "restart"),
        (cancelled, "send"),
        (cancelled, "restart"),
    ):
        assert await _refused(_act(romeo, delay_id, action)) == (409, "M_UNKNOWN")
    assert await _texts(romeo, room) == ["sent"]


async def test_the_action_in_the_body(romeo: Phone) -> None:
    room = await romeo.create_room()
    delay_id = await _later(romeo, room, LONG)
    path = f"{UNSTABLE}/delayed_events/{delay_id}"
    assert await romeo.call("POST", path, {"action": "restart"}) == {}
    assert await _refused(romeo.call("POST", path, {})) == (400, "M_MISSING_PARAM")
    assert await _refused(romeo.call("POST", path, {"action": "forget"})) == (404, "M_UNRECOGNIZED")
    assert await romeo.call("POST", path, {"action": "send"}) == {}
    assert await _texts(romeo, room) == ["t1"]


async def test_I8_others_find_nothing(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room()
    delay_id = await _later(romeo, room, LONG)
    assert await _refused(_found(juliet, delay_id)) == (404, "M_NOT_FOUND")
    for action in ("send", "cancel", "restart"):
        assert await _refused(_act(juliet, delay_id, action)) == (404, "M_NOT_FOUND")
    assert await juliet.call("GET", f"{UNSTABLE}/delayed_events") == {"delayed_events": []}
    assert "finalised" not in await _found(romeo, delay_id)


async def test_I2_a_repeated_transaction_schedules_once(romeo: Phone) -> None:
    room = await romeo.create_room()
    first = await _later(romeo, room, LONG)
    again = await asyncio.gather(*(_later(romeo, room, LONG) for _ in range(4)))
    assert set(again) == {first}
    assert await _later(romeo, room, LONG, "t2") != first
    assert len((await romeo.call("GET", f"{UNSTABLE}/delayed_events"))["delayed_events"]) == 2


async def test_what_is_allowed_is_judged_when_it_is_sent(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    early = await _later(juliet, room, 1_000, "early")  # she is not in the room yet
    await juliet.do("join", room)
    assert "event_id" in await _finished(juliet, early)
    late = await _later(juliet, room, 1_500, "late")
    await romeo.do("kick", room, juliet)
    assert (await _finished(juliet, late))["error"]["errcode"] == "M_FORBIDDEN"
    kept = await _later(juliet, room, LONG, "kept")
    assert await _refused(_act(juliet, kept, "send")) == (403, "M_FORBIDDEN")
    assert "finalised" not in await _found(juliet, kept)
    await juliet.do("join", room)
    await _act(juliet, kept, "send")
    assert await _texts(romeo, room) == ["early", "kept"]


async def test_a_message_that_redacts_itself(romeo: Phone) -> None:
    room = await romeo.create_room()
    secret = await romeo.send(room, "secret")
    path = f"{UNSTABLE}/rooms/{quote(room)}/delayed_event/m.room.redaction/r1"
    answer = await romeo.call("PUT", path, {"delay_ms": 100, "content": {"redacts": secret}})
    assert "event_id" in await _finished(romeo, answer["delay_id"])
    assert (await romeo.room_call("GET", room, f"event/{secret}"))["content"] == {}


async def test_a_membership_may_be_delayed(romeo: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    path = f"{UNSTABLE}/rooms/{quote(room)}/delayed_event/m.room.member/m1"
    content = {"membership": "leave"}
    body = {"delay_ms": 100, "state_key": romeo.user_id, "content": content}
    answer = await romeo.call("PUT", path, body)
    assert "event_id" in await _finished(romeo, answer["delay_id"])
    assert (await romeo.call("GET", "/joined_rooms"))["joined_rooms"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"delay_ms": 5},
        {"content": {}},
        {"delay_ms": "5", "content": {}},
        {"delay_ms": 0, "content": {}},
        {"delay_ms": -5, "content": {}},
        {"delay_ms": 5, "content": []},
        {"delay_ms": 5, "content": {}, "state_key": 5},
        {"delay_ms": 5, "content": {"n": 1.5}},
        {"delay_ms": 5, "content": {}, "state_key": "k" * 256},
        {"delay_ms": 5, "content": {"body": "x" * 70_000}},
    ],
)
async def test_A3_a_bad_request_is_refused(romeo: Phone, body: dict[str, Any]) -> None:
    path = f"{UNSTABLE}/rooms/!r:firn.test/delayed_event/m.room.message/t"
    status, _ = await _refused(romeo.call("PUT", path, body))
    assert status in (400, 413)
    assert await romeo.call("GET", f"{UNSTABLE}/delayed_events") == {"delayed_events": []}


async def test_limits(
    town: SyncTown | ClusterTown, romeo: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await romeo.create_room()

    def limit(**wanted: int) -> None:
        given = {f"FIRN__DELAYED_EVENTS__{k.upper()}": str(v) for k, v in wanted.items()}
        loaded = load(None, {"FIRN__SERVER_NAME": "firn.test", **given})
        for worker in getattr(town, "workers", [town]):
            assert isinstance(worker.core.settings, LiveSettings)
            monkeypatch.setattr(worker.core.settings, "_current", loaded.settings)

    limit(max_delay_ms=5_000_000, max_scheduled=2)
    assert await _refused(_later(romeo, room, 5_000_001)) == (403, "M_FORBIDDEN")
    first = await _later(romeo, room, LONG, "t1")
    await _later(romeo, room, LONG, "t2")
    with pytest.raises(MatrixRefusal) as refusal:
        await _later(romeo, room, LONG, "t3")
    assert (refusal.value.status, refusal.value.errcode) == (429, "M_LIMIT_EXCEEDED")
    assert 3_500 < int(refusal.value.headers["Retry-After"]) <= 3_600
    await _act(romeo, first, "cancel")
    await _later(romeo, room, LONG, "t3")
    limit(max_scheduled=0)
    assert await _refused(_later(romeo, room, 5, "t4")) == (403, "M_FORBIDDEN")


async def test_of_many_who_act_at_once_one_has_its_way(
    town: SyncTown | ClusterTown, romeo: Phone
) -> None:
    """The outcome is one row: who comes second finds it, and sends nothing."""
    room = await romeo.create_room()
    workers = getattr(town, "workers", [town])
    for n in range(8):
        delay_id = await _later(romeo, room, LONG, f"n{n}")
        found = await workers[0].delayed.keep_sending._store.find(delay_id)
        assert found is not None

        async def act(number: int, event: DelayedEvent = found[0]) -> bool:
            send = workers[number % len(workers)].delayed.keep_sending._send
            try:
                if number < 3:
                    await send(event)
                else:
                    await send.finish(event, Outcome(1))
            except FinalisedError:
                return False
            return True

        done = await asyncio.gather(*(act(number) for number in range(6)))
        assert done.count(True) == 1
        was_sent = any(done[:3])
        assert ("event_id" in await _finished(romeo, delay_id)) is was_sent
        assert (f"n{n}" in await _texts(romeo, room)) is was_sent
    texts = await _texts(romeo, room)
    assert len(texts) == len(set(texts))


async def test_what_was_due_while_nobody_ran_is_sent_in_order(
    town: SyncTown | ClusterTown, romeo: Phone
) -> None:
    room = await romeo.create_room()
    workers = getattr(town, "workers", [town])
    for worker in workers:
        await worker.delayed.keep_sending.stop()
    last, *_ = [await _later(romeo, room, ms, f"d{ms}") for ms in (900, 300, 600)]
    await asyncio.sleep(1.0)
    await town.restart()
    for worker in workers:
        worker.delayed.keep_sending.start()
    await _finished(romeo, last)
    assert await _texts(romeo, room) == ["d300", "d600", "d900"]


async def test_too_many_at_one_time_are_refused_and_not_tried_again(
    town: SyncTown | ClusterTown, romeo: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await romeo.create_room()
    for worker in getattr(town, "workers", [town]):
        monkeypatch.setattr(worker.delayed.keep_sending, "_limiter", _Strict())
    outcome = await _finished(romeo, await _later(romeo, room, 50))
    assert outcome["error"]["errcode"] == "M_LIMIT_EXCEEDED"
    assert "event_id" not in outcome
    assert await _texts(romeo, room) == []


class _Strict:
    """A limiter that lets nothing pass."""

    def check(self, _key: str, _limit_class: str) -> int:
        """Come back later."""
        return 700


async def test_a_locked_account_sends_nothing_later(
    town: SyncTown | ClusterTown, romeo: Phone
) -> None:
    room = await romeo.create_room()
    delay_id = await _later(romeo, room, 500)
    accounts = SqlAccountStore(town.core.database)
    locked = Account(town.requester(romeo).user_nid, romeo.user_id, locked=True)
    await town.core.writer.submit(lambda draft: accounts.add(draft, locked))
    assert (await _finished(romeo, delay_id))["error"]["errcode"] == "M_FORBIDDEN"
    assert await _texts(romeo, room) == []


async def test_guests_schedule_no_memberships(town: SyncTown | ClusterTown, romeo: Phone) -> None:
    """At its time nobody would know that it was a guest who wanted to join."""
    room = await romeo.create_room(preset="public_chat")
    guest = replace(town.requester(romeo), is_guest=True)
    schedule = build_schedule(town.core)
    join = NewEvent("m.room.member", {"membership": "join"}, guest.user_id)
    with pytest.raises(GuestAccessForbiddenError):
        await schedule(guest, room, join, LONG)
    assert await schedule(guest, room, NewEvent("m.room.message", {"body": "x"}), LONG)


async def test_old_outcomes_are_forgotten_and_nothing_else(
    town: SyncTown | ClusterTown, romeo: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await romeo.create_room()
    done, young, waiting = [await _later(romeo, room, LONG, txn) for txn in ("a", "b", "c")]
    await _act(romeo, done, "cancel")
    since = (await _finished(romeo, done))["finalised_ts"]
    await asyncio.sleep(0.05)
    await _act(romeo, young, "send")
    keeper = town.any_worker().delayed.keep_sending
    monkeypatch.setattr(keep_sending, "KEEP_MS", keeper._clock.now_ms() - since - 1)
    await keeper._forget()
    assert await _refused(_found(romeo, done)) == (404, "M_NOT_FOUND")
    assert "finalised" in await _found(romeo, young)
    assert "finalised" not in await _found(romeo, waiting)
