"""What was purged is read nowhere any more, from the order on and after the clearing too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.integration.purging.conftest import is_purged, purge, refusal
from tests.integration.relations.conftest import V1, edit, event, react, relate
from tests.integration.search.conftest import filled, hits
from tests.support.purging import clear
from tests.support.syncing import bodies, keyed, now

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown

both_stages = pytest.mark.parametrize("cleared", [False, True], ids=["ordered", "cleared"])
EMPTY = {"notification_count": 0, "highlight_count": 0}


async def _purge(town: SyncTown, admin: Phone, room: str, event_id: str, *, cleared: bool) -> None:
    await purge(admin, room, before_event_id=event_id)
    if cleared:
        await clear(town.core.database, 3)


async def _talk(romeo: Phone, juliet: Phone, count: int = 6) -> tuple[str, list[str]]:
    """A room of both, and Romeo's messages there."""
    room = await romeo.create_room(preset="public_chat", name="Balcony")
    await juliet.do("join", room)
    return room, [await romeo.send(room, f"word {n}") for n in range(count)]


async def _chunk(who: Phone, room: str, **query: Any) -> tuple[list[str], bool]:
    """A page of messages, and whether it says where to go on."""
    page = await who.room_call("GET", room, "messages", **query)
    return [each["event_id"] for each in page["chunk"]], "end" in page


@both_stages
async def test_messages_end_where_the_purge_ends(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, sent = await _talk(romeo, juliet)
    inside = (await romeo.room_call("GET", room, f"context/{quote(sent[1])}", limit=0))["end"]
    await _purge(town, admin, room, sent[3], cleared=cleared)
    assert await _chunk(juliet, room, dir="b", limit=100) == (sent[:2:-1], False)
    assert await _chunk(juliet, room, dir="b", limit=3) == (sent[:2:-1], False)
    assert await _chunk(juliet, room, dir="b", limit=2) == (sent[:3:-1], True)
    assert await _chunk(juliet, room, dir="b", limit=9, **{"from": inside}) == ([], False)
    assert (await _chunk(juliet, room, dir="f", limit=9, **{"from": inside}))[0] == sent[3:]
    assert (await _chunk(juliet, room, dir="f", limit=9))[0] == sent[3:]
    found = await juliet.room_call("GET", room, f"context/{quote(sent[4])}", limit=20)
    assert [each["event_id"] for each in found["events_before"]] == [sent[3]]
    await town.restart()
    assert await _chunk(juliet, room, dir="b", limit=100) == (sent[:2:-1], False)


@both_stages
async def test_a_purged_event_is_not_found_by_its_id(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, sent = await _talk(romeo, juliet)
    await _purge(town, admin, room, sent[3], cleared=cleared)
    for event_id in sent[:3]:
        await is_purged(juliet, room, event_id)
    gone = quote(sent[0])
    for method, path, body in (
        ("POST", f"receipt/m.read/{gone}", {}),
        ("PUT", f"redact/{gone}/t1", {}),
        ("GET", f"relations/{gone}", None),
    ):
        if method == "GET":
            status, text = await romeo.raw("GET", f"{V1}/{quote(room)}/{path}")
        else:
            status, text = await romeo.raw(method, f"/rooms/{quote(room)}/{path}", body)
        assert (status, "M_NOT_FOUND" in text) == (404, True), path
    assert (await event(juliet, room, sent[3]))["content"]["body"] == "word 3"


@both_stages
async def test_an_older_token_is_limited_and_the_rest_is_all_there_is(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, sent = await _talk(romeo, juliet, 2)
    await juliet.get()
    since = juliet.since
    await romeo.topic(room, "of an evening")
    sent += [await romeo.send(room, f"later {n}") for n in range(4)]
    await _purge(town, admin, room, sent[4], cleared=cleared)
    for form in ("attached", "detached", "restarted"):
        if form == "detached":
            town.detach(juliet)
        elif form == "restarted":
            await town.restart()
        part = (await juliet.get(since=since))["rooms"]["join"][room]
        assert part["timeline"]["limited"]
        assert bodies(part) == ["later 2", "later 3"]
        assert ("m.room.topic", "") in keyed(part)
        start = part["timeline"]["prev_batch"]
        assert await _chunk(juliet, room, dir="b", limit=9, **{"from": start}) == ([], False)
    whole = (await juliet.fresh())["rooms"]["join"][room]
    assert bodies(whole) == ["later 2", "later 3"]
    assert keyed(whole)["m.room.topic", ""]["content"] == {"topic": "of an evening"}
    assert keyed(whole)["m.room.name", ""]["content"] == {"name": "Balcony"}


@both_stages
async def test_unread_counts_fall_at_once_and_are_told(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, sent = await _talk(romeo, juliet)
    mention: dict[str, Any] = {"body": "you", "m.mentions": {"user_ids": [juliet.user_id]}}
    await romeo.send(room, msgtype="m.text", **mention)
    last = await romeo.send(room, "last")
    await juliet.get()
    assert juliet.rooms[room].unread == {"notification_count": 8, "highlight_count": 1}
    await _purge(town, admin, room, last, cleared=cleared)
    part = (await juliet.get())["rooms"]["join"][room]
    assert part["unread_notifications"] == {"notification_count": 1, "highlight_count": 0}
    assert bodies(part) == []
    assert "rooms" not in await juliet.get()
    await town.restart()
    whole = (await juliet.fresh())["rooms"]["join"][room]
    assert whole["unread_notifications"] == {"notification_count": 1, "highlight_count": 0}
    assert sent


@both_stages
async def test_a_receipt_on_a_purged_event_still_says_what_was_read(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, sent = await _talk(romeo, juliet)
    await juliet.read(room, sent[1])
    await _purge(town, admin, room, sent[3], cleared=cleared)
    for _ in range(2):
        part = (await juliet.fresh())["rooms"]["join"][room]
        assert part["unread_notifications"]["notification_count"] == 3
        [receipts] = [e for e in part["ephemeral"]["events"] if e["type"] == "m.receipt"]
        assert list(receipts["content"]) == [sent[1]]
        await town.restart()
    await juliet.read(room, sent[5])
    part = (await juliet.fresh())["rooms"]["join"][room]
    assert part["unread_notifications"] == EMPTY


@both_stages
async def test_threads_and_bundles_show_nothing_that_was_purged(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, [old] = await _talk(romeo, juliet, 1)
    await relate(juliet, room, old, "m.thread")
    root = await romeo.send(room, "root")
    reply = await relate(juliet, room, root, "m.thread")
    orphan = await relate(juliet, room, old, "m.thread")
    await edit(romeo, room, root, "rooted")
    await react(juliet, room, root, "+")
    await react(juliet, room, old, "+")
    await _purge(town, admin, room, root, cleared=cleared)
    for _ in range(2):
        threads = await romeo.call("GET", f"{V1}/{quote(room)}/threads")
        assert [each["event_id"] for each in threads["chunk"]] == [root]
        beside = (await event(romeo, room, root))["unsigned"]["m.relations"]
        assert beside["m.thread"]["latest_event"]["event_id"] == reply
        assert (await event(romeo, room, orphan))["content"]["body"] == "child"
        related = await romeo.call("GET", f"{V1}/{quote(room)}/relations/{quote(root)}/m.thread")
        assert [each["event_id"] for each in related["chunk"]] == [reply]
        await town.restart()
    counts: dict[str, Any] = {"room": {"timeline": {"unread_thread_notifications": True}}}
    part = (await romeo.fresh(counts))["rooms"]["join"][room]
    assert set(part["unread_thread_notifications"]) == {root, old}


@both_stages
async def test_searches_do_not_find_it(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, sent = await _talk(romeo, juliet)
    await filled(town)
    assert len(await hits(juliet, "word")) == 6
    await _purge(town, admin, room, sent[4], cleared=cleared)
    assert await hits(juliet, "word") == ["word 5", "word 4"]
    assert await hits(juliet, "Balcony") == []


async def test_what_was_purged_before_it_was_indexed_is_never_stored_for_searches(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone
) -> None:
    room, sent = await _talk(romeo, juliet)
    await purge(admin, room, before_event_id=sent[4])
    await filled(town)
    texts = [row for row in await town.store.dump("search_text") if row[1] > 0]
    nid = (await town.core.rooms.get(room)).nid
    assert len([row for row in texts if row[1] == nid]) == 2
    assert await hits(juliet, "word") == ["word 5", "word 4"]


@both_stages
async def test_the_list_of_notifications_begins_after_it(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, sent = await _talk(romeo, juliet)
    await _purge(town, admin, room, sent[4], cleared=cleared)
    for _ in range(2):
        found = await juliet.call("GET", "/notifications")
        assert [each["event"]["event_id"] for each in found["notifications"]] == sent[:3:-1]
        await town.restart()


@both_stages
async def test_no_time_leads_to_a_purged_event(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, sent = await _talk(romeo, juliet)
    old = (await event(romeo, room, sent[0]))["origin_server_ts"]
    await _purge(town, admin, room, sent[4], cleared=cleared)
    path = f"{V1}/{quote(room)}/timestamp_to_event"
    first = await juliet.call("GET", path, query={"ts": old, "dir": "f"})
    assert first["event_id"] == sent[4]
    status, _ = await juliet.raw("GET", path, query={"ts": old - 1, "dir": "b"})
    assert status == 404


@both_stages
async def test_a_repeated_transaction_of_a_purged_event_gives_the_same_id(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, _ = await _talk(romeo, juliet, 1)
    first = await romeo.send(room, "once", txn="again")
    last = await romeo.send(room, "last")
    await _purge(town, admin, room, last, cleared=cleared)
    assert await romeo.send(room, "once", txn="again") == first
    await town.restart()
    assert await romeo.send(room, "once", txn="again") == first
    assert (await _chunk(juliet, room, dir="b"))[0] == [last]


@both_stages
async def test_state_stays_and_what_was_redacted_of_it_stays_redacted(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, _ = await _talk(romeo, juliet, 1)
    topic = await romeo.topic(room, "not for long")
    await romeo.redact(room, topic)
    spam = await juliet.send(room, "spam")
    await romeo.redact(room, spam)
    members = (await romeo.room_call("GET", room, "members"))["chunk"]
    state = await romeo.room_call("GET", room, "state")
    last = await romeo.send(room, "last")
    await _purge(town, admin, room, last, cleared=cleared)
    for _ in range(2):
        there = (await romeo.room_call("GET", room, "members"))["chunk"]
        assert _by_key(there) == _by_key(members)
        now_there = await romeo.room_call("GET", room, "state")
        assert _by_key(now_there) == _by_key(state)
        [held] = [each for each in now_there if each["type"] == "m.room.topic"]
        assert held["content"] == {}
        await town.restart()
    nurse = await town.phone("nurse")
    await nurse.do("join", room)
    assert (await romeo.get())["rooms"]["join"][room]["summary"]["m.joined_member_count"] == 3


def _by_key(events: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[str, Any]]:
    return {(e["type"], e["state_key"]): (e["event_id"], e["content"]) for e in events}


@both_stages
async def test_who_left_before_it_ended_reads_nothing_and_no_error(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, _ = await _talk(romeo, juliet)
    await juliet.get()
    await juliet.do("leave", room)
    since = juliet.since
    last = await romeo.send(room, "last")
    await _purge(town, admin, room, last, cleared=cleared)
    assert await _chunk(juliet, room, dir="b") == ([], False)
    part = (await juliet.get(since=since))["rooms"]["leave"][room]
    assert part["timeline"]["events"] == []
    states = {**keyed(part), **keyed(part, "state_after")}
    assert states["m.room.member", juliet.user_id]["content"]["membership"] == "leave"
    left = await juliet.fresh({"room": {"include_leave": True}})
    assert left["rooms"]["leave"][room]["timeline"]["events"] == []


@both_stages
async def test_old_forms_of_reading_show_nothing_of_it(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, sent = await _talk(romeo, juliet)
    await _purge(town, admin, room, sent[4], cleared=cleared)
    snapshot = await juliet.room_call("GET", room, "initialSync")
    assert [each["event_id"] for each in snapshot["messages"]["chunk"]] == sent[4:]
    assert (await juliet.raw("GET", f"/events/{quote(sent[0])}"))[0] == 404
    status, _ = await juliet.raw("POST", f"/rooms/{quote(room)}/report/{quote(sent[0])}", {})
    assert status == 404


@both_stages
async def test_what_ends_a_purge_is_kept_whatever_time_it_names(
    town: SyncTown, admin: Phone, romeo: Phone, juliet: Phone, cleared: bool
) -> None:
    room, sent = await _talk(romeo, juliet)
    await purge(admin, room, before_ts=2**53 - 1)
    if cleared:
        await clear(town.core.database, 3)
    assert (await _chunk(juliet, room, dir="b"))[0] == [sent[-1]]
    await town.restart()
    sent.append(await juliet.send(room, "on we go"))
    assert (await _chunk(romeo, room, dir="b"))[0] == [sent[-1], sent[-2]]
    again = (await event(romeo, room, sent[-1]))["origin_server_ts"]
    await purge(admin, room, before_ts=again)
    assert (await _chunk(romeo, room, dir="b"))[0][0] == sent[-1]
    assert await refusal(romeo, "GET", room, f"event/{quote(sent[0])}") == (404, "M_NOT_FOUND")


async def test_a_sync_that_waits_hears_of_a_purge_that_lowers_its_counts(
    admin: Phone, romeo: Phone, juliet: Phone
) -> None:
    room, sent = await _talk(romeo, juliet)
    await juliet.get()
    await purge(admin, room, before_event_id=sent[-1])
    began = now()
    part = (await juliet.get(timeout_ms=5_000))["rooms"]["join"][room]
    assert now() - began < 4
    assert part["unread_notifications"]["notification_count"] == 1
