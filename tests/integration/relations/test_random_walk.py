"""Bundles equal what a client works out from all events, in random rooms."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.relations.conftest import chunk, edit, relate, related, threads
from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.syncing import Phone, SyncTown

STEPS = 70
Event = dict[str, Any]


def relation(event: Event) -> tuple[str, str] | None:
    """The kind and the parent of an event; None for none."""
    found = event["content"].get("m.relates_to")
    return (found["rel_type"], found["event_id"]) if found else None


def by_hand(log: Sequence[Event], reader: str, ignored: set[str]) -> dict[str, Event]:
    """The bundles of a log in its order: ids, counts, and whether the reader takes part."""
    bundles = {event["event_id"]: bundle(log, event, reader, ignored) for event in log}
    for each in bundles.values():
        if "m.thread" in each:
            latest = each["m.thread"]["latest"]
            inner = {k: v for k, v in bundles[latest].items() if k != "m.thread"}
            each["m.thread"]["beside"] = inner
    return bundles


def bundle(log: Sequence[Event], parent: Event, reader: str, ignored: set[str]) -> Event:
    """One event's, but for what is beside the newest reply."""
    children: dict[str, list[Event]] = {}
    for event in log:
        related_to = relation(event)
        if related_to and related_to[1] == parent["event_id"] and event["sender"] not in ignored:
            children.setdefault(related_to[0], []).append(event)
    found: Event = {}
    edits = [e for e in children.get("m.replace", []) if e["sender"] == parent["sender"]]
    own = relation(parent)
    redacted = "redacted_because" in parent["unsigned"]
    if edits and not redacted and (own is None or own[0] != "m.replace"):
        newest = max(edits, key=lambda e: (e["origin_server_ts"], e["event_id"]))
        found["m.replace"] = newest["event_id"]
    if "m.reference" in children:
        found["m.reference"] = [e["event_id"] for e in children["m.reference"]]
    if "m.thread" in children and own is None:
        replies = children["m.thread"]
        found["m.thread"] = {
            "count": len(replies),
            "latest": replies[-1]["event_id"],
            "mine": reader in {parent["sender"], *(e["sender"] for e in replies)},
        }
    return found


def told(event: Event) -> Event:
    """The same of what the server bundled."""
    given = event["unsigned"].get("m.relations", {})
    found: Event = {}
    if "m.replace" in given:
        found["m.replace"] = given["m.replace"]["event_id"]
    if "m.reference" in given:
        found["m.reference"] = [each["event_id"] for each in given["m.reference"]["chunk"]]
    if "m.thread" in given:
        thread = given["m.thread"]
        found["m.thread"] = {
            "count": thread["count"],
            "latest": thread["latest_event"]["event_id"],
            "mine": thread["current_user_participated"],
            "beside": told(thread["latest_event"]),
        }
    return found


async def step(chance: random.Random, people: Sequence[Phone], room: str, log: list[str]) -> None:
    """Somebody says, relates or redacts something; what is refused is no event."""
    who, target = chance.choice(people), chance.choice(log)
    what = chance.choice(["say", "edit", "m.thread", "m.thread", "m.reference", "redact"])
    try:
        if what == "say":
            log.append(await who.send(room, "x"))
        elif what == "edit":
            log.append(await edit(who, room, target, "y"))
        elif what == "redact":
            await who.redact(room, target)
        else:
            log.append(await relate(who, room, target, what))
    except MatrixRefusal as refusal:
        if (refusal.status, what) not in {(400, "m.thread"), (403, "redact")}:
            raise


async def said(reader: Phone, room: str) -> list[Event]:
    """All that a reader is told to have been said."""
    page = await reader.room_call("GET", room, "messages", dir="f", limit=100)
    return [event for event in page["chunk"] if "state_key" not in event]


async def check(reader: Phone, room: str, witness: Phone, ignored: set[str]) -> None:
    """Compare all that the endpoints say; the `witness` ignores nobody."""
    log, own = await said(witness, room), await said(reader, room)
    expected = by_hand(log, reader.user_id, ignored)
    wanted = [event["event_id"] for event in log if event["sender"] not in ignored]
    assert [event["event_id"] for event in own] == wanted
    assert {event["event_id"]: told(event) for event in own} == {e: expected[e] for e in wanted}
    whole = await reader.fresh({"room": {"timeline": {"limit": len(own) // 3}}})
    timeline = whole["rooms"]["join"][room]["timeline"]
    assert timeline["limited"]
    shown = {e["event_id"]: told(e) for e in timeline["events"] if "state_key" not in e}
    assert shown == {e: b for e, b in expected.items() if e in shown}
    order = [event["event_id"] for event in log]
    latest = {
        e: order.index(b["m.thread"]["latest"]) for e, b in expected.items() if "m.thread" in b
    }
    assert chunk(await threads(reader, room, limit=100)) == sorted(latest, key=lambda e: -latest[e])
    for event in log[:12]:
        children = [
            e["event_id"]
            for e in log
            if (found := relation(e)) and found[1] == event["event_id"]
            if e["sender"] not in ignored
        ]
        page = await related(reader, room, event["event_id"], dir="f", limit=100)
        assert chunk(page) == children


@pytest.mark.parametrize("seed", range(4))
async def test_bundles_are_what_clients_work_out(
    town: SyncTown, romeo: Phone, juliet: Phone, nurse: Phone, room: str, seed: int
) -> None:
    chance = random.Random(seed)
    await nurse.do("join", room)
    log = [await romeo.send(room, "first")]
    for _ in range(STEPS):
        await step(chance, (romeo, juliet), room, log)
    for reader in (romeo, nurse):
        await check(reader, room, romeo, set())
    await nurse.keep("m.ignored_user_list", {"ignored_users": {juliet.user_id: {}}})
    await check(nurse, room, romeo, {juliet.user_id})
    await town.restart()
    await check(juliet, room, romeo, set())
    for _ in range(10):
        await step(chance, (romeo, juliet), room, log)
    await check(romeo, room, romeo, set())
