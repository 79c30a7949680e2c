"""What is told beside an event of those that relate to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.relations.aggregations import MAX_REFERENCES
from tests.integration.relations.conftest import bundled, edit, event, react, relate

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


async def test_the_newest_edit_is_bundled_and_the_content_stays(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    said = await romeo.send(room, "I like cake")
    await edit(romeo, room, said, "I like bread")
    last = await edit(romeo, room, said, "I like wine")
    found = await event(juliet, room, said)
    assert found["content"]["body"] == "I like cake"
    told = found["unsigned"]["m.relations"]["m.replace"]
    assert told["event_id"] == last
    assert told["content"]["m.new_content"]["body"] == "I like wine"
    assert (told["room_id"], told["sender"], told["type"]) == (
        room,
        romeo.user_id,
        "m.room.message",
    )
    assert told["origin_server_ts"] > 0


async def test_edits_of_one_millisecond_go_by_event_id(
    town: SyncTown, romeo: Phone, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await romeo.send(room, "a")
    monkeypatch.setattr(town.core.writer._clock, "now_ms", lambda: 1_900_000_000_000, raising=False)
    edits = [await edit(romeo, room, said, f"{n}") for n in range(6)]
    assert (await bundled(romeo, room, said))["m.replace"]["event_id"] == max(edits)


async def test_invalid_edits_are_not_bundled(romeo: Phone, juliet: Phone, room: str) -> None:
    said = await romeo.send(room, "mine")
    await edit(juliet, room, said, "another's")
    await edit(romeo, room, said, "another type", "m.sticker")
    await relate(romeo, room, said, "m.replace", body="no new content")
    assert await bundled(romeo, room, said) == {}
    valid = await edit(romeo, room, said, "valid")
    await edit(romeo, room, valid, "an edit of an edit")
    assert (await bundled(romeo, room, said))["m.replace"]["event_id"] == valid
    assert await bundled(romeo, room, valid) == {}


async def test_an_edit_of_an_encrypted_event_has_its_new_content_inside(
    romeo: Phone, room: str
) -> None:
    kind = "m.room.encrypted"
    path = f"send/{kind}/e1"
    said = (await romeo.room_call("PUT", room, path, {"ciphertext": "x"}))["event_id"]
    await edit(romeo, room, said, "in the clear")
    assert await bundled(romeo, room, said) == {}
    last = await relate(romeo, room, said, "m.replace", kind, ciphertext="y")
    assert (await bundled(romeo, room, said))["m.replace"]["event_id"] == last


async def test_state_gets_no_bundle(romeo: Phone, room: str) -> None:
    topic = await romeo.topic(room, "cake")
    await edit(romeo, room, topic, "wine", "m.room.topic")
    await relate(romeo, room, topic, "m.reference")
    assert await bundled(romeo, room, topic) == {}


async def test_references_are_listed_oldest_first(romeo: Phone, juliet: Phone, room: str) -> None:
    said = await romeo.send(room, "vote")
    votes = [await relate(who, room, said, "m.reference") for who in (romeo, juliet, romeo)]
    chunk = [{"event_id": vote} for vote in votes]
    assert await bundled(juliet, room, said) == {"m.reference": {"chunk": chunk}}


async def test_annotations_and_unknown_kinds_are_not_bundled(romeo: Phone, room: str) -> None:
    said = await romeo.send(room, "vote")
    await react(romeo, room, said, "👍")
    await relate(romeo, room, said, "org.example.kind")
    assert await bundled(romeo, room, said) == {}


async def test_a_thread_tells_count_latest_and_who_takes_part(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await nurse.do("join", room)
    root = await romeo.send(room, "root")
    await relate(juliet, room, root, "m.thread", body="one")
    last = await relate(juliet, room, root, "m.thread", body="two")
    fixed = await edit(juliet, room, last, "two, fixed")
    for who, takes_part in ((romeo, True), (juliet, True), (nurse, False)):
        thread = (await bundled(who, room, root))["m.thread"]
        assert thread["count"] == 2
        assert thread["current_user_participated"] is takes_part
        assert thread["latest_event"]["event_id"] == last
        assert thread["latest_event"]["room_id"] == room
        inner = thread["latest_event"]["unsigned"]["m.relations"]
        assert inner["m.replace"]["event_id"] == fixed


async def test_children_of_ignored_users_do_not_count(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await nurse.do("join", room)
    root = await romeo.send(room, "root")
    first = await relate(juliet, room, root, "m.thread")
    await relate(nurse, room, root, "m.thread")
    await relate(nurse, room, root, "m.reference")
    await romeo.keep("m.ignored_user_list", {"ignored_users": {nurse.user_id: {}}})
    found = await bundled(romeo, room, root)
    assert set(found) == {"m.thread"}
    assert found["m.thread"]["count"] == 1
    assert found["m.thread"]["latest_event"]["event_id"] == first
    assert (await bundled(juliet, room, root))["m.thread"]["count"] == 2


async def test_a_redacted_child_relates_no_more(romeo: Phone, juliet: Phone, room: str) -> None:
    root = await romeo.send(room, "root")
    one = await relate(juliet, room, root, "m.thread")
    two = await relate(juliet, room, root, "m.thread")
    first = await edit(romeo, room, root, "first")
    second = await edit(romeo, room, root, "second")
    reference = await relate(romeo, room, root, "m.reference")
    await juliet.redact(room, two)
    await romeo.redact(room, second)
    await romeo.redact(room, reference)
    found = await bundled(juliet, room, root)
    assert set(found) == {"m.thread", "m.replace"}
    assert found["m.replace"]["event_id"] == first
    assert (found["m.thread"]["count"], found["m.thread"]["latest_event"]["event_id"]) == (1, one)
    await juliet.redact(room, one)
    await romeo.redact(room, first)
    assert await bundled(juliet, room, root) == {}


async def test_a_redacted_parent_keeps_its_thread_but_no_edit(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    root = await romeo.send(room, "root")
    reply = await relate(juliet, room, root, "m.thread")
    await edit(romeo, room, root, "edited")
    await romeo.redact(room, root)
    found = await event(juliet, room, root)
    assert found["content"] == {}
    assert set(found["unsigned"]["m.relations"]) == {"m.thread"}
    assert found["unsigned"]["m.relations"]["m.thread"]["latest_event"]["event_id"] == reply


@pytest.mark.parametrize("cold", [False, True])
async def test_every_endpoint_bundles(
    town: SyncTown, romeo: Phone, juliet: Phone, room: str, cold: bool
) -> None:
    said = await romeo.send(room, "a")
    last = await edit(romeo, room, said, "b")
    if cold:
        for n in range(70):
            await romeo.send(room, f"{n}")
        await town.restart()

    def edited(events: list[dict[str, Any]]) -> str:
        found = next(e for e in events if e["event_id"] == said)
        return str(found["unsigned"]["m.relations"]["m.replace"]["event_id"])

    messages = await juliet.room_call("GET", room, "messages", dir="b", limit=100)
    assert edited(messages["chunk"]) == last
    context = await juliet.room_call("GET", room, f"context/{said}")
    assert edited([context["event"]]) == last
    beside = await juliet.room_call("GET", room, f"context/{last}")
    assert edited(beside["events_before"]) == last
    limit = {"room": {"timeline": {"limit": 73 if cold else 3}}}
    part = (await juliet.fresh(limit))["rooms"]["join"][room]
    assert part["timeline"]["limited"] is True
    assert edited(part["timeline"]["events"]) == last


async def test_B6_relations_to_nothing_and_elsewhere_bind_nothing(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    other = await romeo.create_room(preset="public_chat")
    elsewhere = await romeo.send(other, "elsewhere")
    await relate(romeo, room, elsewhere, "m.thread")
    await relate(romeo, room, "$" + "A" * 43, "m.thread")
    await relate(romeo, room, "nonsense", "m.thread")
    schema: list[Any] = ["text", [], None]
    schema += [{"rel_type": 1, "event_id": elsewhere}, {"rel_type": "m.thread"}]
    for n, strange in enumerate(schema):
        await romeo.room_call(
            "PUT", room, f"send/m.room.message/s{n}", {"body": "x", "m.relates_to": strange}
        )
    long = await relate(romeo, room, elsewhere, "k" * 300)
    assert (await event(juliet, room, long))["event_id"] == long
    assert await bundled(romeo, other, elsewhere) == {}


async def test_B6_a_bundle_is_bounded_however_many_relate(
    town: SyncTown, romeo: Phone, room: str
) -> None:
    said = await romeo.send(room, "a")
    for _ in range(30):
        last = await edit(romeo, room, said, "b")
    sent = [await relate(romeo, room, said, "m.reference") for _ in range(MAX_REFERENCES + 3)]
    found = await bundled(romeo, room, said)
    assert found["m.replace"]["event_id"] == last
    listed = [each["event_id"] for each in found["m.reference"]["chunk"]]
    assert listed == sent[:MAX_REFERENCES]
