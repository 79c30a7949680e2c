"""B1 to B7: events that break limits, rights or sense, over the API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.client import Device, MatrixRefusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conformance.bad_inputs.conftest import Target

POWER = "m.room.power_levels"
EDITS = 10_000


@pytest_asyncio.fixture
async def bob(target: Target) -> AsyncIterator[Device]:
    """Another user, in Alice's room."""
    async with Device(target.firn.base) as bob:
        await bob.register(f"bob-{target.alice.device_id.lower()}")
        await bob.room_call("POST", target.room, "join", {})
        yield bob


async def refusal(attempt: Any) -> tuple[int, str]:
    """How an attempt is refused."""
    with pytest.raises(MatrixRefusal) as refused:
        await attempt
    return refused.value.status, refused.value.errcode


async def set_power(who: Device, room: str, content: Any) -> Any:
    return await who.room_call("PUT", room, f"state/{POWER}/", content)


async def test_B1_the_largest_event_is_taken_and_one_byte_more_is_not(target: Target) -> None:
    low, high = 60_000, 70_000  # bytes of body: the first is taken, the second is not
    while high - low > 1:
        middle = (low + high) // 2
        body = {"msgtype": "m.text", "body": "x" * middle}
        answer = await target.ask("PUT", target.in_room(f"send/m.room.message/{middle}"), body)
        if answer.status == 200:
            low = middle
        else:
            assert answer.error == (413, "M_TOO_LARGE")
            high = middle
    # 65,536 less the event's other fields and a signature (ed25519: 86 characters)
    assert 64_500 < low < 65_300
    await target.alice.sync()
    sizes = [len(text) for text in target.alice.rooms[target.room].bodies]
    assert max(sizes) == low


async def test_B2_keys_are_counted_in_bytes(target: Target) -> None:
    fits, long = "ä" * 127 + "x", "ä" * 128
    for path, status in (
        (f"send/{quote(fits)}/t1", 200),
        (f"send/{quote(long)}/t2", 400),
        (f"state/x.y/{quote(fits)}", 200),
        (f"state/x.y/{quote(long)}", 400),
        (f"state/{quote(long)}/", 400),
    ):
        answer = await target.ask("PUT", target.in_room(path), {})
        assert answer.status == status, path
    long_user = "@" + "a" * 255 + ":firn.test"
    answer = await target.ask("POST", target.in_room("invite"), {"user_id": long_user})
    assert answer.status == 400


@pytest.mark.parametrize("version", ["10", "11", "12"])
@pytest.mark.parametrize("level", ["50", 50.0, None, [], {}, True, 2**53], ids=repr)
async def test_B3_levels_that_are_no_integers(target: Target, version: str, level: object) -> None:
    room = await target.alice.create_room(room_version=version)
    held = await target.alice.room_call("GET", room, f"state/{POWER}/")
    for broken in (
        {**held, "ban": level},
        {**held, "events": {"m.room.name": level}},
        {**held, "users": {**held.get("users", {}), "@bob:firn.test": level}},
        {**held, "notifications": {"room": level}},
        {**held, "users": [], "events": []},
    ):
        assert await refusal(set_power(target.alice, room, broken)) == (400, "M_BAD_JSON")
    assert await target.alice.room_call("GET", room, f"state/{POWER}/") == held
    override = {"power_level_content_override": {"ban": level}}
    status, _ = await refusal(target.alice.create_room(room_version=version, **override))
    assert status in (400, 403)


@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_B4_rights_cannot_be_taken(target: Target, bob: Device, version: str) -> None:
    alice = target.alice
    room = await alice.create_room(room_version=version, preset="public_chat")
    async with Device(target.firn.base) as carol:
        await carol.register(f"carol-{alice.device_id.lower()}")
        for guest in (bob, carol):
            await guest.room_call("POST", room, "join", {})
        held = await alice.room_call("GET", room, f"state/{POWER}/")
        users = {**held.get("users", {}), bob.user_id: 50, carol.user_id: 50}
        levels = {**held, "users": users, "events": {**held["events"], POWER: 50}}
        await set_power(alice, room, levels)
        before = await alice.room_call("GET", room, "state")
        mine, his = bob.user_id, carol.user_id
        attempts = [
            set_power(bob, room, {**levels, "users": {**users, mine: 51}}),
            set_power(bob, room, {**levels, "users": {**users, his: 0}}),
            set_power(bob, room, {**levels, "users": {mine: 100}}),
            set_power(bob, room, {**levels, "ban": 51}),
            bob.room_call("POST", room, "ban", {"user_id": alice.user_id}),
            bob.room_call("POST", room, "kick", {"user_id": his}),
            bob.room_call("PUT", room, "state/m.room.create/", {}),
            bob.room_call("PUT", room, f"state/x.y/{quote(alice.user_id)}", {}),
            bob.room_call(
                "PUT", room, f"state/m.room.member/{quote(his)}", {"membership": "leave"}
            ),
            alice.room_call("PUT", room, "state/m.room.create/", {}),
        ]
        for attempt in attempts:
            assert await refusal(attempt) == (403, "M_FORBIDDEN")
        assert await alice.room_call("GET", room, "state") == before


async def test_B5_redactions_that_reach_too_far(target: Target, bob: Device) -> None:
    alice = target.alice
    state = await alice.room_call("GET", target.room, "state")
    create = next(e for e in state if e["type"] == "m.room.create")
    for who in (alice, bob):
        with pytest.raises(MatrixRefusal) as refused:
            await who.room_call("PUT", target.room, f"redact/{quote(create['event_id'])}/t", {})
        assert refused.value.status in (400, 403, 404)
    other = await alice.create_room()
    secret = await alice.send(other, "in another room")
    with pytest.raises(MatrixRefusal):
        await alice.room_call("PUT", target.room, f"redact/{quote(secret)}/t2", {})
    found = await alice.room_call("GET", other, f"event/{quote(secret)}")
    assert found["content"]["body"] == "in another room"
    # what another says is not his to take back
    words = await alice.send(target.room, "alice's")
    path = f"redact/{quote(words)}/t3"
    assert (await refusal(bob.room_call("PUT", target.room, path, {})))[0] == 403


async def test_B5_a_redaction_sent_as_a_message_obeys_the_same_rules(
    target: Target, bob: Device
) -> None:
    words = await target.alice.send(target.room, "alice's")
    path = target.in_room("send/m.room.redaction/t4")
    await target.ask("PUT", path, {"redacts": words}, token=bob.token)
    found = await target.alice.room_call("GET", target.room, f"event/{quote(words)}")
    assert found["content"]["body"] == "alice's"


async def test_B6_relations_to_nothing_itself_and_elsewhere(target: Target) -> None:
    alice = target.alice
    other = await alice.create_room()
    elsewhere = await alice.send(other, "elsewhere")
    for number, relation in enumerate(
        (
            {"rel_type": "m.replace", "event_id": elsewhere},
            {"rel_type": "m.thread", "event_id": elsewhere},
            {"rel_type": "m.annotation", "event_id": elsewhere, "key": "+"},
            {"rel_type": "m.replace", "event_id": "$nothing"},
            {"rel_type": "m.thread", "event_id": 5},
            {"rel_type": [], "event_id": {}},
            {"m.in_reply_to": "x"},
            [],
            "x",
        )
    ):
        body = {"msgtype": "m.text", "body": "r", "m.relates_to": relation}
        answer = await target.ask("PUT", target.in_room(f"send/m.room.message/r{number}"), body)
        assert answer.status in (200, 400), answer.body
    untouched = await alice.room_call("GET", other, f"event/{quote(elsewhere)}")
    assert "m.relations" not in untouched.get("unsigned", {})
    await alice.sync()
    assert alice.rooms[target.room].timeline


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_B6_10000_edits_of_one_event_stay_bounded(target: Target, bob: Device) -> None:
    alice = target.alice
    original = await alice.send(target.room, "first")
    numbers = iter(range(EDITS))

    async def edit() -> None:
        for number in numbers:
            text = {"msgtype": "m.text", "body": f"v{number}"}
            relation = {"rel_type": "m.replace", "event_id": original}
            more: dict[str, Any] = {"m.new_content": text, "m.relates_to": relation}
            await alice.send(target.room, **text, **more)

    await asyncio.gather(*(edit() for _ in range(32)))
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = await bob.sync()
    page = await bob.room_call("GET", target.room, "messages", dir="b", limit=100)
    event = await bob.room_call("GET", target.room, f"event/{quote(original)}")
    context = await bob.room_call("GET", target.room, f"context/{quote(original)}", limit=10)
    assert loop.time() - started < 2
    for found in (answer, page, event, context):
        assert len(str(found)) < 200_000
    assert event["content"]["body"] in ("first", f"v{EDITS - 1}")


async def test_B7_a_transaction_is_one_event_whatever_is_sent(target: Target) -> None:
    alice = target.alice
    ids = await asyncio.gather(*(alice.send(target.room, f"m{n}", txn="one") for n in range(20)))
    ids.append(await alice.send(target.room, "later", txn="one"))
    assert len(set(ids)) == 1
    other = await alice.create_room()
    assert await alice.send(other, "another path", txn="one") not in ids
    redactions = await asyncio.gather(
        *(alice.room_call("PUT", target.room, f"redact/{quote(ids[0])}/two", {}) for _ in range(5))
    )
    assert len({r["event_id"] for r in redactions}) == 1
    await alice.sync()
    timeline = alice.rooms[target.room].timeline
    assert [e["type"] for e in timeline[-2:]] == ["m.room.message", "m.room.redaction"]
