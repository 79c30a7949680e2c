"""Sync-points 12, 13, 15 to 17: visibility, filters, arrival, what never shows, redactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.afar import RoomFromAfar
from tests.support.syncing import bodies, ids, keyed, types

if TYPE_CHECKING:
    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone, SyncTown

SEEN = {
    "joined": ["c"],
    "invited": ["b", "c"],
    "shared": ["a", "b", "c"],
    "world_readable": ["a", "b", "c"],
}


@pytest.mark.parametrize("visibility", SEEN)
async def test_point_12_each_event_by_the_visibility_of_its_time(
    romeo: Phone, juliet: Phone, visibility: str
) -> None:
    room = await romeo.create_room(preset="private_chat")
    await romeo.visibility(room, visibility)
    await juliet.get()
    await romeo.send(room, "a")
    await romeo.do("invite", room, juliet)
    await romeo.send(room, "b")
    await juliet.do("join", room)
    await romeo.send(room, "c")
    await romeo.visibility(room, "shared")  # the newest decides about nothing that was
    for answer in (await juliet.fresh(), await juliet.get()):
        part = answer["rooms"]["join"][room]
        assert bodies(part) == SEEN[visibility]
        told = {e["content"].get("body"): e["unsigned"]["membership"] for e in _messages(part)}
        expected = {"a": "leave", "b": "invite", "c": "join"}
        assert told == {body: expected[body] for body in SEEN[visibility]}


async def test_point_12_changes_within_one_timeline_and_one_s_own_memberships(
    romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    for value in ("shared", "joined", "world_readable", "joined"):
        await romeo.visibility(room, value)
        await romeo.send(room, value)
    await juliet.do("join", room)
    part = (await juliet.get({"room": {"timeline": {"limit": 50}}}))["rooms"]["join"][room]
    assert bodies(part) == ["shared", "world_readable"]
    await romeo.do("kick", room, juliet)
    await romeo.send(room, "not hers")
    await juliet.do("join", room)
    part = (await juliet.get())["rooms"]["join"][room]
    own = [e["content"]["membership"] for e in part["timeline"]["events"] if "state_key" in e]
    assert own == ["leave", "join"]
    assert bodies(part) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"types": ["m.room.mess*"]}, ["a", "b", "c"]),
        ({"types": ["m.*"], "not_types": ["m.room.message"]}, []),
        ({"types": ["org.example.one"]}, ["d"]),
        ({"types": ["m.room.message"], "contains_url": True}, ["b"]),
        ({"types": ["m.room.message"], "contains_url": False}, ["a", "c"]),
        ({"senders": ["@juliet:firn.test"]}, ["c"]),
        ({"not_senders": ["@romeo:firn.test"]}, ["c"]),
        ({"related_by_rel_types": ["m.annotation"]}, ["a"]),
        ({"related_by_senders": ["@juliet:firn.test"]}, ["a"]),
        ({"rooms": []}, []),
        ({"types": []}, []),
    ],
)
async def test_point_13_filters(
    romeo: Phone, juliet: Phone, wanted: dict[str, Any], expected: list[str]
) -> None:
    room = await romeo.create_room(preset="public_chat", name="Verona")
    await juliet.do("join", room)
    await juliet.get()
    first = await romeo.send(room, "a")
    await romeo.send(room, msgtype="m.image", body="b", url="mxc://x/y")
    await juliet.send(room, "c")
    await romeo.room_call("PUT", room, "send/org.example.one/1", {"body": "d"})
    likes = {"m.relates_to": {"rel_type": "m.annotation", "event_id": first, "key": "+"}}
    await juliet.room_call("PUT", room, "send/m.reaction/1", likes)
    await juliet.keep("org.wakes", {}, room)  # so that the room is in the answer in any case
    part = (await juliet.get({"room": {"timeline": wanted}}))["rooms"]["join"][room]
    shown = [e["content"].get("body") for e in part["timeline"]["events"]]
    assert [body for body in shown if body is not None] == expected
    assert part["timeline"]["limited"] is False


async def test_point_13_a_filter_neither_lies_about_gaps_nor_skips_any(
    romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    wanted = {"room": {"timeline": {"types": ["m.room.message"], "limit": 3}}}
    await juliet.get(wanted)
    for n in range(25):
        await romeo.room_call("PUT", room, f"send/org.example.noise/{n}", {})
    topic = await romeo.topic(room, "amid the noise")
    for k in range(3):
        await romeo.send(room, f"{k}")
    part = (await juliet.get(wanted))["rooms"]["join"][room]
    assert bodies(part) == ["0", "1", "2"]
    assert part["timeline"]["limited"] is False
    # no timeline will ever tell of the topic
    assert keyed(part)["m.room.topic", ""]["event_id"] == topic
    for n in range(25):
        await romeo.room_call("PUT", room, f"send/org.example.noise/m{n}", {})
    assert "rooms" not in await juliet.get(wanted)
    sent = [await romeo.send(room, f"{k}") for k in range(5)]
    part = (await juliet.get(wanted))["rooms"]["join"][room]
    assert ids(part) == sent[2:]
    assert part["timeline"]["limited"] is True
    assert (await juliet.older(room, part["timeline"]["prev_batch"]))[:2] == sent[1::-1]


async def test_point_13_rooms_left_out_are_left_out_everywhere(romeo: Phone, juliet: Phone) -> None:
    one, two = [await romeo.create_room(preset="public_chat") for _ in range(2)]
    for room in (one, two):
        await juliet.do("join", room)
    wanted = {"room": {"not_rooms": [two]}}
    assert list((await juliet.get(wanted))["rooms"]["join"]) == [one]
    await romeo.send(two, "unheard")
    assert "rooms" not in await juliet.get(wanted)
    await juliet.do("leave", two)
    assert "rooms" not in await juliet.get(wanted)
    await romeo.do("invite", two, juliet)
    assert "rooms" not in await juliet.get(wanted)


async def test_point_15_what_arrives_late_shows_once_and_now(town: SyncTown | ClusterTown) -> None:
    """Sync tells by arrival; pages from its `prev_batch` add what is older, and nothing twice."""
    afar = await RoomFromAfar.open(town, "fork_and_merge")
    alice, order = afar.observer, "the other first"
    await afar.arrive(order, 0)
    await alice.get()
    stretches = []
    for number in range(1, len(afar.dag.orders[order]["steps"])):
        await afar.arrive(order, number)
        part = (await alice.get())["rooms"]["join"][afar.room_id]
        assert part["timeline"]["limited"] is False
        older = await alice.older(afar.room_id, part["timeline"]["prev_batch"])
        whole = [*older[::-1], *ids(part)]
        assert len(whole) == len(set(whole))
        assert set(afar.names(whole)) >= set(afar.names(ids(part)))
        stretches += ids(part)
    assert afar.names(stretches) == ["alices", "bobs", "chat", "merge"]
    assert "rooms" not in await alice.get()
    fresh = (await alice.fresh())["rooms"]["join"][afar.room_id]
    assert afar.names(ids(fresh))[-4:] == ["alices", "bobs", "chat", "merge"]


@pytest.mark.parametrize(
    ("name", "order", "never"),
    [
        ("soft_failed", "the ban first", {"speech"}),
        ("rejected_by_auth_events", "one by one", {"dave", "leaning"}),
        ("late_branch", "the gap stays open", {"theirs", "lost"}),
        ("late_branch", "filled at once", {"theirs", "lost"}),
    ],
)
async def test_point_16_soft_failed_rejected_outlying_and_filled_in_events_are_never_new(
    town: SyncTown | ClusterTown, name: str, order: str, never: set[str]
) -> None:
    afar = await RoomFromAfar.open(town, name)
    alice = afar.observer
    await afar.arrive(order, 0)
    await alice.get()
    shown: list[str] = []
    for number in range(1, len(afar.dag.orders[order]["steps"])):
        await afar.arrive(order, number)
        joined = (await alice.get()).get("rooms", {}).get("join", {})
        shown += ids(joined.get(afar.room_id, {}))
    expected = [e for e in afar.dag.orders[order]["timeline"][6:] if e not in never]
    assert afar.names(shown) == expected
    fresh = (await alice.fresh())["rooms"]["join"][afar.room_id]
    if name != "late_branch":
        assert not never & set(afar.names(ids(fresh)))


@pytest.mark.parametrize("restart", [False, True])
async def test_point_17_redacted_events_are_stripped_for_every_later_reader(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, *, restart: bool
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    event_id = await romeo.send(room, "secret")
    reader = await town.phone("juliet")
    await reader.get()
    redaction = await romeo.redact(room, event_id)
    if restart:
        await town.restart()
    part = (await juliet.get())["rooms"]["join"][room]
    assert ids(part) == [event_id, redaction]
    original, by = part["timeline"]["events"]
    assert original["content"] == {}
    assert original["unsigned"]["redacted_because"]["event_id"] == redaction
    assert by["content"]["redacts"] == event_id
    assert ids((await reader.get())["rooms"]["join"][room]) == [redaction]
    for path in (f"event/{event_id}", f"context/{event_id}"):
        found = await juliet.room_call("GET", room, path)
        assert (found if path.startswith("event/") else found["event"])["content"] == {}


@pytest.mark.parametrize("order", ["the redaction first", "the message first"])
async def test_point_17_a_token_at_a_redaction_of_what_is_not_here_yet(
    town: SyncTown | ClusterTown, order: str
) -> None:
    afar = await RoomFromAfar.open(town, "redaction_first")
    alice = afar.observer
    await afar.arrive(order, 0)
    await alice.get()
    shown: list[dict[str, Any]] = []
    for number in (1, 2):
        await afar.arrive(order, number)
        shown += (await alice.get())["rooms"]["join"][afar.room_id]["timeline"]["events"]
        assert "rooms" not in await alice.get()
    assert afar.names([e["event_id"] for e in shown]) == afar.dag.orders[order]["timeline"][6:]
    secret = afar.dag.ids(["secret"])[0]
    found = await alice.room_call("GET", afar.room_id, f"event/{secret}")
    assert found["content"] == {}
    if order == "the redaction first":
        assert [e["content"] for e in shown if e["event_id"] == secret] == [{}]
    assert types({"timeline": {"events": shown}}).count("m.room.redaction") == 1


def _messages(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for e in part["timeline"]["events"] if e["type"] == "m.room.message"]
