"""Sync-points 5 to 8 and 14: state without events, joins, lazy members, full state."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.afar import RoomFromAfar
from tests.support.syncing import LAZY, ids, keyed, types

if TYPE_CHECKING:
    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone, SyncTown

AFTER: dict[str, Any] = {"use_state_after": "true"}
FORMS: dict[str, dict[str, Any]] = {"state": {}, "state_after": AFTER}
REDUNDANT = {"room": {"state": {"lazy_load_members": True, "include_redundant_members": True}}}


def _members(part: dict[str, Any], section: str = "state") -> set[str]:
    return {key for kind, key in keyed(part, section) if kind == "m.room.member"}


@pytest.mark.parametrize("restart", [False, True])
async def test_point_05_resolution_moves_state_without_an_event(
    town: SyncTown | ClusterTown, *, restart: bool
) -> None:
    """Alice's topic is in the timeline; that history behind a gap beats it is in no event.

    The old form can tell only where no timeline stands after it: it is the state before that.
    """
    afar = await RoomFromAfar.open(town, "late_branch")
    alice = afar.observer
    await afar.arrive("filled at once", 0, 1, 2)
    old = await town.phone(alice.user_id)
    first = (await alice.get(**AFTER))["rooms"]["join"][afar.room_id]
    await old.get()
    ours, theirs = afar.dag.ids(["ours", "theirs"])
    assert keyed(first, "state_after")["m.room.topic", ""]["event_id"] == ours
    await afar.arrive("filled at once", 3)
    if restart:
        await town.restart()
    part = (await alice.get(**AFTER))["rooms"]["join"][afar.room_id]
    assert (ids(part), ids(part, "state_after")) == ([], [theirs])
    part = (await old.get())["rooms"]["join"][afar.room_id]
    assert (ids(part), ids(part, "state")) == ([], [theirs])
    for device in (alice, old):
        assert "rooms" not in await device.get()


@pytest.mark.parametrize("order", ["one branch, then the other", "the other first"])
async def test_point_05_a_fork_that_loses_is_in_the_timeline_and_not_in_the_state(
    town: SyncTown | ClusterTown, order: str
) -> None:
    afar = await RoomFromAfar.open(town, "fork_and_merge")
    alice = afar.observer
    await afar.arrive(order, 0)
    await alice.get(**AFTER)
    told: dict[tuple[str, str], str] = {}
    shown: list[str] = []
    for number in range(1, len(afar.dag.orders[order]["steps"])):
        await afar.arrive(order, number)
        part = (await alice.get(**AFTER))["rooms"]["join"][afar.room_id]
        shown += ids(part)
        told |= {key: e["event_id"] for key, e in keyed(part, "state_after").items()}
    assert afar.names(shown) == afar.dag.orders[order]["timeline"][6:]
    assert told == {("m.room.topic", ""): afar.dag.ids(["alices"])[0]}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lazy", [False, True])
async def test_point_06_a_newly_joined_room_comes_whole(
    romeo: Phone, juliet: Phone, nurse: Phone, form: str, *, lazy: bool
) -> None:
    wanted = LAZY if lazy else {}
    room = await romeo.create_room(preset="public_chat", name="Verona")
    await romeo.visibility(room, "joined")
    await nurse.do("join", room)
    unseen = await romeo.send(room, "before her time")
    await juliet.get(wanted, **FORMS[form])
    await juliet.do("join", room)
    heard = await romeo.send(room, "in her time")
    part = (await juliet.get(wanted, **FORMS[form]))["rooms"]["join"][room]
    everything = keyed(part, form) | keyed(part, "timeline")
    names = [("m.room.create", ""), ("m.room.name", ""), ("m.room.member", romeo.user_id)]
    assert set(names) <= set(everything)
    assert (("m.room.member", nurse.user_id) in everything) is (not lazy)
    assert ids(part)[-1] == heard
    assert types(part)[-2] == "m.room.member"
    assert unseen not in ids(part)


@pytest.mark.parametrize("form", FORMS)
async def test_point_06_joined_and_left_within_one_answer(
    romeo: Phone, juliet: Phone, form: str
) -> None:
    room = await romeo.create_room(preset="public_chat", name="Verona")
    await juliet.get(**FORMS[form])
    await juliet.do("join", room)
    heard = await romeo.send(room, "hello")
    await juliet.do("leave", room)
    await romeo.topic(room, "behind her back")
    rooms = (await juliet.get(**FORMS[form]))["rooms"]
    assert list(rooms) == ["leave"]
    part = rooms["leave"][room]
    everything = keyed(part, form) | keyed(part, "timeline")
    assert everything["m.room.name", ""]["content"] == {"name": "Verona"}
    assert everything["m.room.member", juliet.user_id]["content"]["membership"] == "leave"
    assert ("m.room.topic", "") not in everything
    assert heard in ids(part)


@pytest.mark.parametrize("form", FORMS)
async def test_point_07_members_come_as_they_speak_and_once(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, nurse: Phone, form: str
) -> None:
    room = await romeo.create_room(preset="public_chat", name="named: no heroes")
    silent = await town.phone("silent")
    for guest in (nurse, silent, juliet):
        await guest.do("join", room)
    for n in range(10):
        await romeo.send(room, f"{n}")
    part = (await juliet.get(LAZY, **FORMS[form]))["rooms"]["join"][room]
    assert _members(part, form) == {romeo.user_id, juliet.user_id}
    await nurse.send(room, "I speak")
    part = (await juliet.get(LAZY, **FORMS[form]))["rooms"]["join"][room]
    assert _members(part, form) == {nurse.user_id}
    await nurse.send(room, "and speak")
    query = {"since": juliet.since}
    part = (await juliet.get(REDUNDANT, **FORMS[form]))["rooms"]["join"][room]
    assert _members(part, form) == {nurse.user_id}
    juliet.since = query["since"]
    tablet = await town.phone("juliet")
    part = (await tablet.get(LAZY, **FORMS[form]))["rooms"]["join"][room]
    assert _members(part, form) == {romeo.user_id, nurse.user_id, juliet.user_id}


async def test_point_07_who_was_told_already_is_not_repeated(
    romeo: Phone, juliet: Phone, nurse: Phone, town: SyncTown | ClusterTown
) -> None:
    """What was told is remembered by the worker that told it; elsewhere it only comes again."""
    room = await romeo.create_room(preset="public_chat", name="named: no heroes")
    for guest in (nurse, juliet):
        await guest.do("join", room)
    stay = await town.phone("juliet")
    stay.base = town.any_worker().base
    if hasattr(stay, "town"):
        stay.town = None
    for n in range(10):
        await romeo.send(room, f"{n}")
    await stay.get(LAZY)
    for expected in ({nurse.user_id}, set()):
        await nurse.send(room, "peace")
        async with asyncio.timeout(10):
            while "rooms" not in (answer := await stay.get(LAZY, timeout_ms=2_000)):
                pass
        assert _members(answer["rooms"]["join"][room]) == expected


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("how", ["leave", "kick", "rename"])
async def test_point_07_08_members_that_changed_in_a_gap_are_told_though_lazy(
    town: SyncTown | ClusterTown,
    romeo: Phone,
    juliet: Phone,
    nurse: Phone,
    form: str,
    how: str,
) -> None:
    """Who left without ever having spoken too: a client forgets such a user's devices (8)."""
    room = await romeo.create_room(preset="public_chat", name="named: no heroes")
    for guest in (nurse, juliet):
        await guest.do("join", room)
    for n in range(12):
        await romeo.send(room, f"{n}")
    part = (await juliet.get(LAZY, **FORMS[form]))["rooms"]["join"][room]
    assert nurse.user_id not in _members(part, form)
    if how == "leave":
        await nurse.do("leave", room)
    elif how == "kick":
        await romeo.do("kick", room, nurse)
    else:
        await town.rename(nurse, "Angelica")
    for n in range(12):
        await romeo.send(room, f"{n}")
    part = (await juliet.get(LAZY, **FORMS[form]))["rooms"]["join"][room]
    assert part["timeline"]["limited"] is True
    content = keyed(part, form)["m.room.member", nurse.user_id]["content"]
    wanted = {"displayname": "Angelica"} if how == "rename" else {"membership": "leave"}
    assert wanted.items() <= content.items()


@pytest.mark.parametrize("form", FORMS)
async def test_point_14_full_state_is_all_state_at_once_with_new_events_alone(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, form: str
) -> None:
    room = await romeo.create_room(preset="public_chat", name="Verona")
    other = await romeo.create_room(preset="public_chat", name="Mantua")
    for each in (room, other):
        await juliet.do("join", each)
    await juliet.get(**FORMS[form])
    new = await romeo.send(room, "new")
    begun = town.core.clock.monotonic()
    joined = (await juliet.get(full_state="true", timeout_ms=30_000, **FORMS[form]))["rooms"][
        "join"
    ]
    assert {each: ids(part) for each, part in joined.items()} == {room: [new], other: []}
    for part in joined.values():
        assert part["timeline"]["limited"] is False
        keys = set(keyed(part, form))
        assert {("m.room.create", ""), ("m.room.name", "")} <= keys
        assert {("m.room.member", u) for u in (romeo.user_id, juliet.user_id)} <= keys
    again = await juliet.get(full_state="true", timeout_ms=30_000, **FORMS[form])
    assert set(again["rooms"]["join"]) == {room, other}
    assert town.core.clock.monotonic() - begun < 10
