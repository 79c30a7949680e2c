"""State resolution at its edges; ordinary rooms are in `tests/golden/rooms`."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from homeserver.domain.rooms.resolution import MissingEventError, resolve
from homeserver.domain.rooms.resolution.graph import (
    auth_chain,
    auth_difference,
    conflicted_subgraph,
)
from homeserver.domain.rooms.resolution.lookup import AuthLookup
from homeserver.domain.rooms.resolution.ordering import by_mainline, by_power
from homeserver.domain.rooms.resolution.resolve import is_power_event
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from tests.support.rooms import ALICE, BOB, MemoryEvents, make_event

V10, V12 = ROOM_VERSIONS["10"], ROOM_VERSIONS["12"]
V10_1 = replace(V10, state_resolution="2.1")
CREATE = make_event("$create", "m.room.create", ALICE, state_key="", content={"creator": ALICE})
LEVELS, TOPIC, JOINED = ("m.room.power_levels", ""), ("m.room.topic", ""), ("m.room.member", ALICE)


def graph(**links: str) -> MemoryEvents:
    """Return events whose auth events are named: `graph(a="", b="a")`."""
    source = MemoryEvents()
    for name, cited in links.items():
        source.add(make_event(name, "m.x", ALICE, state_key="", auth_events=tuple(cited.split())))
    return source


def founded() -> MemoryEvents:
    """Return a room that Alice created and joined."""
    source = MemoryEvents()
    join = {"membership": "join"}
    source.add(CREATE)
    source.add(
        make_event(
            "$alice",
            "m.room.member",
            ALICE,
            state_key=ALICE,
            content=join,
            auth_events=("$create",),
            prev_events=("$create",),
        )
    )
    return source


def test_nothing_and_agreement() -> None:
    nobody = MemoryEvents()
    state = {LEVELS: "$p"}
    assert resolve(V10, [], nobody) == {}
    assert resolve(V10, [state], nobody) == state
    assert resolve(V10, [state, dict(state)], nobody) == state


def test_missing_event_is_named() -> None:
    with pytest.raises(MissingEventError) as caught:
        resolve(V10, [{LEVELS: "$p"}, {LEVELS: "$q"}], MemoryEvents())
    assert caught.value.event_id in {"$p", "$q"}


def test_auth_chain_leaves_out_its_start() -> None:
    source = graph(a="", b="a", c="b", d="a")
    assert auth_chain(source, ["c"]) == {"a", "b"}
    assert auth_chain(source, ["c", "b"]) == {"a", "b"}
    assert auth_chain(source, ["a"]) == set()


def test_auth_difference_is_what_not_all_chains_hold() -> None:
    source = graph(root="", left="root", right="root", x="left", y="right", common="root")
    assert auth_difference(source, ["common"], [["x"], ["y"]]) == {"left", "right"}
    assert auth_difference(source, ["left"], [["x"], ["y"]]) == {"left", "right"}
    assert auth_difference(source, ["x", "y"], [["x"], ["y"]]) == set()


def test_conflicted_subgraph_is_what_lies_between() -> None:
    source = graph(root="", old="root", mid="old side", side="root", new="mid", apart="old")
    assert conflicted_subgraph(source, {"old", "new"}) == {"old", "mid", "new"}
    assert conflicted_subgraph(source, {"new", "apart"}) == {"new", "apart"}


def test_power_events() -> None:
    def member(membership: str, target: str, key: str | None = "") -> bool:
        content = {"membership": membership}
        key = target if key is not None else None
        return is_power_event(
            make_event("$m", "m.room.member", ALICE, state_key=key, content=content)
        )

    assert member("ban", BOB)
    assert member("leave", BOB)
    assert not member("leave", ALICE)
    assert not member("invite", BOB)
    assert not member("ban", BOB, key=None)
    assert is_power_event(make_event("$r", "m.room.join_rules", ALICE, state_key=""))
    assert is_power_event(make_event("$p", "m.room.power_levels", ALICE, state_key=""))
    assert not is_power_event(make_event("$p", "m.room.power_levels", ALICE))
    assert not is_power_event(make_event("$t", "m.room.topic", ALICE, state_key=""))


def test_power_order_cited_first_then_power_time_and_id() -> None:
    source = founded()

    def x(name: str, sender: str, ts: int, *cited: str) -> None:
        source.add(
            make_event(
                name,
                "m.x",
                sender,
                state_key="",
                origin_server_ts=ts,
                auth_events=("$create", *cited),
            )
        )

    x("late", ALICE, 9)
    x("b", BOB, 1)
    x("a", BOB, 1)
    x("early", BOB, 0)
    x("child", ALICE, 0, "a")
    names = ["child", "b", "a", "early", "late"]
    ordered = by_power(source, AuthLookup(V10, source), names)
    assert [event.event_id for event in ordered] == ["late", "early", "a", "child", "b"]


def test_mainline_order_oldest_levels_first_then_time_and_id() -> None:
    source = founded()

    def add(name: str, event_type: str, ts: int, *cited: str) -> None:
        source.add(
            make_event(
                name, event_type, ALICE, state_key="", origin_server_ts=ts, auth_events=cited
            )
        )

    add("p1", "m.room.power_levels", 1)
    add("p2", "m.room.power_levels", 2, "p1")
    add("side", "m.room.power_levels", 2, "p1")
    add("on2", "m.x", 0, "p2")
    add("on1", "m.x", 8, "p1")
    add("aside", "m.x", 7, "side")
    add("also1", "m.x", 8, "p1")
    add("on0", "m.x", 9)
    names = ["on2", "on1", "aside", "on0", "also1"]
    ordered = by_mainline(source, AuthLookup(V10, source), names, source.get("p2"))
    assert [event.event_id for event in ordered] == ["on0", "aside", "also1", "on1", "on2"]
    by_time = by_mainline(source, AuthLookup(V10, source), names, None)
    assert [event.event_id for event in by_time] == ["on2", "aside", "also1", "on1", "on0"]


def test_rejected_auth_event_lends_no_right() -> None:
    source = founded()
    cited = ("$create", "$alice")
    for ts, name in enumerate(("$old", "$new")):
        source.add(
            make_event(
                name,
                "m.room.topic",
                ALICE,
                state_key="",
                origin_server_ts=ts,
                auth_events=cited,
            )
        )
    base = {("m.room.create", ""): "$create", JOINED: "$alice"}
    sets = [base | {TOPIC: "$old"}, base | {TOPIC: "$new"}]
    assert resolve(V10_1, sets, source) == base | {TOPIC: "$new"}
    source.rejected.add("$alice")
    assert resolve(V10_1, sets, source) == base


@pytest.mark.parametrize("version", [V10, V10_1], ids=["2", "2.1"])
def test_C7_chain_of_10000_levels(version: object) -> None:
    source = founded()
    below: tuple[str, ...] = ()
    for n in range(10_000):
        name = f"$p{n:05}"
        source.add(
            make_event(
                name,
                "m.room.power_levels",
                ALICE,
                state_key="",
                content={"users": {ALICE: 100}, "users_default": n % 50},
                origin_server_ts=n,
                auth_events=("$create", "$alice", *below),
            )
        )
        below = (name,)
    base = {("m.room.create", ""): "$create", JOINED: "$alice"}
    sets = [base | {LEVELS: "$p00000"}, base | {LEVELS: below[0]}]
    began = time.perf_counter()
    assert resolve(version, sets, source)[LEVELS] == below[0]  # type: ignore[arg-type]
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("version", [V10, V10_1], ids=["2", "2.1"])
def test_C7_cycle_of_auth_events_ends_and_proves_nothing(version: object) -> None:
    source = founded()
    for name, cited in (("$p", "$q"), ("$q", "$p")):
        source.add(
            make_event(
                name,
                "m.room.power_levels",
                ALICE,
                state_key="",
                auth_events=("$create", "$alice", cited),
            )
        )
    source.add(
        make_event(
            "$t", "m.room.topic", ALICE, state_key="", auth_events=("$create", "$alice", "$p")
        )
    )
    base = {("m.room.create", ""): "$create", JOINED: "$alice"}
    sets = [base | {LEVELS: "$p", TOPIC: "$t"}, base | {LEVELS: "$q"}, base]
    resolved = resolve(version, sets, source)  # type: ignore[arg-type]
    assert LEVELS not in resolved


def test_v12_create_event_is_found_by_room_id() -> None:
    create = make_event("$c", "m.room.create", ALICE, state_key="", room_id="!c")
    joined = make_event(
        "$a",
        "m.room.member",
        ALICE,
        state_key=ALICE,
        room_id="!c",
        content={"membership": "join"},
        prev_events=("$c",),
    )
    topics = [
        make_event(
            name,
            "m.room.topic",
            ALICE,
            state_key="",
            room_id="!c",
            origin_server_ts=ts,
            auth_events=("$a",),
        )
        for name, ts in (("$old", 1), ("$new", 2))
    ]
    source = MemoryEvents()
    source.add(create, joined, *topics)
    base = {("m.room.create", ""): "$c", JOINED: "$a"}
    resolved = resolve(V12, [base | {TOPIC: "$new"}, base | {TOPIC: "$old"}], source)
    assert resolved == base | {TOPIC: "$new"}
