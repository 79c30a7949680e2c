"""Sync-points 4, 6, 7, 14: the state beside a timeline, in its old form and its new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.syncing import LAZY, ids, keyed, types

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown

NEW: dict[str, Any] = {"use_state_after": "true"}
UNSTABLE: dict[str, Any] = {"org.matrix.msc4222.use_state_after": "true"}
TOPIC = ("m.room.topic", "")


async def _joined(romeo: Phone, juliet: Phone, **more: Any) -> str:
    room = await romeo.create_room(preset="public_chat", **more)
    await juliet.do("join", room)
    return room


async def test_state_across_a_gap_is_that_before_the_timeline(romeo: Phone, juliet: Phone) -> None:
    room = await _joined(romeo, juliet)
    await juliet.get()
    await romeo.topic(room, "one")
    two = await romeo.topic(room, "two")
    for n in range(9):
        await romeo.send(room, f"{n}")
    three = await romeo.topic(room, "three")
    part = (await juliet.get())["rooms"]["join"][room]
    assert part["timeline"]["limited"] is True
    assert ids(part, "state") == [two]
    assert ids(part)[-1] == three
    assert "state_after" not in part


async def test_state_after_is_that_at_the_end(romeo: Phone, juliet: Phone) -> None:
    room = await _joined(romeo, juliet)
    await juliet.get(**NEW)
    await romeo.topic(room, "one")
    for n in range(9):
        await romeo.send(room, f"{n}")
    three = await romeo.topic(room, "three")
    part = (await juliet.get(**NEW))["rooms"]["join"][room]
    assert ids(part, "state_after") == [three]
    assert "state" not in part
    await romeo.send(room, "quiet")
    part = (await juliet.get(**NEW))["rooms"]["join"][room]
    assert part["state_after"] == {"events": []}


async def test_state_after_by_its_unstable_name(romeo: Phone, juliet: Phone) -> None:
    room = await _joined(romeo, juliet)
    await juliet.get(**UNSTABLE)
    topic = await romeo.topic(room, "one")
    part = (await juliet.get(**UNSTABLE))["rooms"]["join"][room]
    assert ids(part, "org.matrix.msc4222.state_after") == [topic]
    assert "state" not in part
    assert "state_after" not in part
    both = (await juliet.fresh(**UNSTABLE, **NEW))["rooms"]["join"][room]
    assert TOPIC in keyed(both, "state_after")


@pytest.mark.parametrize("form", ["state", "state_after"])
async def test_state_that_a_filter_keeps_out_of_the_timeline_is_told(
    romeo: Phone, juliet: Phone, form: str
) -> None:
    wanted = {"room": {"timeline": {"types": ["m.room.message"]}}}
    query = NEW if form == "state_after" else {}
    room = await _joined(romeo, juliet)
    await juliet.get(wanted, **query)
    first = await romeo.send(room, "a")
    topic = await romeo.topic(room, "between")
    second = await romeo.send(room, "b")
    part = (await juliet.get(wanted, **query))["rooms"]["join"][room]
    assert ids(part) == [first, second]
    assert part["timeline"]["limited"] is False
    assert ids(part, form) == [topic]
    topic = await romeo.topic(room, "alone")
    part = (await juliet.get(wanted, **query))["rooms"]["join"][room]
    assert (ids(part), ids(part, form)) == ([], [topic])


async def test_full_state_answers_at_once_with_new_timeline_alone(
    romeo: Phone, juliet: Phone
) -> None:
    room = await _joined(romeo, juliet, name="Verona")
    await juliet.get()
    part = (await juliet.get(full_state="true", timeout_ms=20_000))["rooms"]["join"][room]
    assert part["timeline"]["events"] == []
    assert part["timeline"]["limited"] is False
    assert ("m.room.name", "") in keyed(part)
    assert ("m.room.member", juliet.user_id) in keyed(part)
    new = await romeo.send(room, "new")
    part = (await juliet.get(full_state="true", timeout_ms=20_000))["rooms"]["join"][room]
    assert ids(part) == [new]
    assert ("m.room.create", "") in keyed(part)


async def test_lazy_members_are_senders_oneself_and_heroes(
    town: SyncTown, romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await _joined(romeo, juliet)
    others = [await town.phone(f"guest{n}") for n in range(6)]
    for other in (*others, nurse):
        await other.do("join", room)
    for n in range(10):
        await nurse.send(room, f"{n}")
    part = (await juliet.get(LAZY))["rooms"]["join"][room]
    members = {key for kind, key in keyed(part) if kind == "m.room.member"}
    heroes = part["summary"]["m.heroes"]
    assert len(heroes) == 5
    assert members == {juliet.user_id, nurse.user_id, *heroes}
    assert part["summary"]["m.joined_member_count"] == 9


async def test_lazy_members_are_not_repeated_unless_asked(
    romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await _joined(romeo, juliet, name="named: no heroes")
    await nurse.do("join", room)
    for n in range(10):
        await romeo.send(room, f"{n}")
    first = (await juliet.get(LAZY))["rooms"]["join"][room]
    assert ("m.room.member", nurse.user_id) not in keyed(first)
    await nurse.send(room, "peace")
    second = (await juliet.get(LAZY))["rooms"]["join"][room]
    assert list(keyed(second)) == [("m.room.member", nurse.user_id)]
    await nurse.send(room, "peace!")
    third = (await juliet.get(LAZY))["rooms"]["join"][room]
    assert keyed(third) == {}
    await nurse.send(room, "peace!!")
    redundant = {"room": {"state": {**LAZY["room"]["state"], "include_redundant_members": True}}}
    fourth = (await juliet.get(redundant))["rooms"]["join"][room]
    assert list(keyed(fourth)) == [("m.room.member", nurse.user_id)]


async def test_lazy_members_of_a_lost_answer_come_again(
    romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await _joined(romeo, juliet, name="named")
    await nurse.do("join", room)
    for n in range(10):
        await romeo.send(room, f"{n}")
    since = (await juliet.get(LAZY))["next_batch"]
    await nurse.send(room, "peace")
    for _ in range(2):  # the client asks again with its old token: it never got the answer
        juliet.since = since
        part = (await juliet.get(LAZY))["rooms"]["join"][room]
        assert list(keyed(part)) == [("m.room.member", nurse.user_id)]


async def test_members_that_changed_in_a_gap_are_always_sent(
    town: SyncTown, romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await _joined(romeo, juliet, name="named")
    await nurse.do("join", room)
    await juliet.get(LAZY)
    await town.rename(nurse, "Angelica")
    for n in range(12):
        await romeo.send(room, f"{n}")
    part = (await juliet.get(LAZY))["rooms"]["join"][room]
    assert part["timeline"]["limited"] is True
    member = keyed(part)["m.room.member", nurse.user_id]
    assert member["content"]["displayname"] == "Angelica"


async def test_own_membership_on_join_though_lazy(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.get(LAZY)
    await juliet.do("join", room)
    for n in range(11):
        await romeo.send(room, f"{n}")
    part = (await juliet.get(LAZY))["rooms"]["join"][room]
    assert ("m.room.member", juliet.user_id) in keyed(part)


async def test_summary_counts_and_heroes(romeo: Phone, juliet: Phone, nurse: Phone) -> None:
    room = await _joined(romeo, juliet)
    await romeo.do("invite", room, nurse)
    part = (await juliet.get())["rooms"]["join"][room]
    assert part["summary"] == {
        "m.joined_member_count": 2,
        "m.invited_member_count": 1,
        "m.heroes": [romeo.user_id, nurse.user_id],
    }
    await romeo.send(room, "no news")
    part = (await juliet.get())["rooms"]["join"][room]
    assert "summary" not in part
    await nurse.do("join", room)
    part = (await juliet.get())["rooms"]["join"][room]
    assert part["summary"]["m.joined_member_count"] == 3
    assert part["summary"]["m.invited_member_count"] == 0
    await nurse.do("leave", room)
    await romeo.do("leave", room)
    part = (await juliet.get())["rooms"]["join"][room]
    assert part["summary"]["m.joined_member_count"] == 1
    assert sorted(part["summary"]["m.heroes"]) == sorted([nurse.user_id, romeo.user_id])
    assert types(part) == ["m.room.member", "m.room.member"]


async def test_a_named_room_has_no_heroes_until_the_name_goes(romeo: Phone, juliet: Phone) -> None:
    room = await _joined(romeo, juliet, name="Verona")
    part = (await juliet.get())["rooms"]["join"][room]
    assert "m.heroes" not in part["summary"]
    await romeo.state(room, "m.room.name", {"name": ""})
    part = (await juliet.get())["rooms"]["join"][room]
    assert part["summary"]["m.heroes"] == [romeo.user_id]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("form", ["state", "state_after"])
async def test_redacted_state_has_the_redaction_beside_it(
    town: SyncTown, romeo: Phone, juliet: Phone, form: str, *, restart: bool
) -> None:
    query = NEW if form == "state_after" else {}
    last = {"room": {"timeline": {"limit": 1}}}
    room = await _joined(romeo, juliet)
    topic = await romeo.topic(room, "secret")
    await romeo.send(room, "before")
    before = keyed((await juliet.fresh(last, **query))["rooms"]["join"][room], form)[TOPIC]
    assert "unsigned" not in before
    redaction = await romeo.redact(room, topic)
    await romeo.send(room, "after")
    if restart:
        await town.restart()
    found = keyed((await juliet.fresh(last, **query))["rooms"]["join"][room], form)[TOPIC]
    assert (found["event_id"], found["content"]) == (topic, {})
    assert found["unsigned"]["redacted_because"]["event_id"] == redaction
