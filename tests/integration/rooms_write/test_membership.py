"""Who may bring whom from which membership to which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from homeserver.application.ports.profiles import MemberProfile
from homeserver.application.requester import Requester
from homeserver.domain.rooms.presets import NewState
from homeserver.domain.shared.errors import (
    BadJsonError,
    ForbiddenError,
    GuestAccessForbiddenError,
    InvalidParamError,
    MatrixError,
    NotFoundError,
)

if TYPE_CHECKING:
    from homeserver.domain.rooms.room import Room
    from tests.support.town import Town

BOB = "@bob:firn.test"
RESULTS: dict[str, dict[str | None, str | None]] = {
    # what: {membership before: membership after, None: refused}
    "join": {None: None, "invite": "join", "knock": None, "join": "join", "leave": None, "ban": None},
    "knock": {None: "knock", "invite": None, "knock": "knock", "join": None, "leave": "knock", "ban": None},
    "leave": {None: None, "invite": "leave", "knock": "leave", "join": "leave", "leave": "leave", "ban": None},
    "invite": {None: "invite", "invite": "invite", "knock": "invite", "join": None, "leave": "invite", "ban": None},
    "kick": {None: None, "invite": "leave", "knock": "leave", "join": "leave", "leave": None, "ban": None},
    "ban": {None: "ban", "invite": "ban", "knock": "ban", "join": "ban", "leave": "ban", "ban": "ban"},
    "unban": {None: None, "invite": None, "knock": None, "join": None, "leave": None, "ban": "leave"},
}  # fmt: skip
KNOCKING = NewState("m.room.join_rules", "", {"join_rule": "knock"})


async def bring(town: Town, alice: Requester, bob: Requester, room: Room, to: str | None) -> None:
    """Bring Bob to a membership of a room that takes knocks."""
    if to == "knock":
        await town.knock(bob, room.room_id, {})
    if to in ("invite", "join", "leave"):
        await town.invite(alice, room.room_id, BOB, {})
    if to in ("join", "leave"):
        await town.join(bob, room.room_id, {})
    if to == "leave":
        await town.leave(bob, room.room_id, {})
    if to == "ban":
        await town.ban(alice, room.room_id, BOB, {})
    assert room.membership_of(BOB) == to


async def act(town: Town, alice: Requester, bob: Requester, room: Room, what: str) -> None:
    """Bob joins, knocks, leaves; Alice does the rest to him."""
    if what in ("join", "knock", "leave"):
        await getattr(town, what)(bob, room.room_id, {"reason": "so"})
    else:
        await getattr(town, what)(alice, room.room_id, BOB, {"reason": "so"})


@pytest.mark.parametrize("what", RESULTS)
async def test_matrix_of_memberships(town: Town, what: str) -> None:
    alice, bob = await town.user("alice"), await town.user("bob")
    for before, after in RESULTS[what].items():
        room = await town.room(alice, initial_state=(KNOCKING,))
        await bring(town, alice, bob, room, before)
        head = room.head
        if after is None:
            with pytest.raises(ForbiddenError):
                await act(town, alice, bob, room, what)
            assert room.head == head, (what, before)
            assert room.membership_of(BOB) == before, (what, before)
            continue
        await act(town, alice, bob, room, what)
        assert room.membership_of(BOB) == after, (what, before)
        if before != after:
            assert room.content_of(("m.room.member", BOB), "reason") == "so"
        assert (BOB in room.members) == (after == "join")
        places = {p.room_nid: p for p in await town.memberships.places(bob.user_nid)}
        place = places[room.nid]
        member = room.state["m.room.member", BOB]
        assert (place.membership, place.event_id) == (after, member.event_id)
        assert place.sender_nid == (alice if member.sender == alice.user_id else bob).user_nid


async def test_steps_by_state_events_follow_the_same_rules(town: Town) -> None:
    alice, bob = await town.user("alice"), await town.user("bob")
    room = await town.room(alice)
    kind = "m.room.member"

    async def put(who: Requester, content: dict[str, object]) -> str:
        return await town.state(who, room.room_id, kind, BOB, content)

    with pytest.raises(ForbiddenError):
        await put(alice, {"membership": "join"})
    await put(alice, {"membership": "invite", "x": 1})
    assert room.content_of((kind, BOB), "x") == 1
    joined = await put(bob, {"membership": "join", "displayname": "Bobby"})
    assert await put(bob, {"membership": "join", "displayname": "Bobby"}) == joined
    renamed = await put(bob, {"membership": "join", "displayname": "Rob"})
    assert renamed != joined
    await put(alice, {"membership": "leave"})
    assert room.membership_of(BOB) == "leave"
    await put(alice, {"membership": "ban"})
    await put(alice, {"membership": "leave"})
    assert room.membership_of(BOB) == "leave"
    wrong: list[dict[str, object]] = [{}, {"membership": "guest"}, {"membership": 5}]
    for bad in wrong:
        with pytest.raises(BadJsonError):
            await put(alice, bad)
    with pytest.raises(InvalidParamError):
        await town.state(alice, room.room_id, kind, "bob", {"membership": "ban"})


async def test_who_can_be_invited(town: Town) -> None:
    alice = await town.user("alice")
    room = await town.room(alice)
    for user_id, error in (
        ("@nobody:firn.test", NotFoundError),
        ("@bob:elsewhere.test", ForbiddenError),
        ("bob", InvalidParamError),
    ):
        with pytest.raises(error):
            await town.invite(alice, room.room_id, user_id, {})
    # but anybody can be banned
    await town.ban(alice, room.room_id, "@spam:elsewhere.test", {})
    assert room.membership_of("@spam:elsewhere.test") == "ban"


async def test_joining_unknown_rooms_and_knocking_on_closed_ones(town: Town) -> None:
    alice, bob = await town.user("alice"), await town.user("bob")
    room = await town.room(alice)
    for enter in (town.join, town.knock):
        with pytest.raises(NotFoundError):
            await enter(bob, "!none:firn.test", {})
        with pytest.raises(ForbiddenError):
            await enter(bob, room.room_id, {})


@pytest.mark.parametrize("version", ["10", "12"])
async def test_restricted_rooms_admit_members_of_others(town: Town, version: str) -> None:
    alice, bob, carol = [await town.user(name) for name in ("alice", "bob", "carol")]
    club = await town.room(alice, preset="public_chat")
    await town.join(bob, club.room_id, {})
    allow = [{"type": "m.room_membership", "room_id": club.room_id}]
    rules = NewState("m.room.join_rules", "", {"join_rule": "restricted", "allow": allow})
    room = await town.room(alice, version, initial_state=(rules,))
    await town.join(bob, room.room_id, {})
    content = room.state["m.room.member", BOB].content
    assert content["join_authorised_via_users_server"] == alice.user_id
    with pytest.raises(ForbiddenError):
        await town.join(carol, room.room_id, {})
    forged = {"membership": "join", "join_authorised_via_users_server": alice.user_id}
    with pytest.raises(ForbiddenError):
        await town.set_member(carol, room.room_id, carol.user_id, forged)
    await town.propagate(bob, "Bob", None)
    assert room.state["m.room.member", BOB].content == {"membership": "join", "displayname": "Bob"}


async def test_guests_join_where_guests_may(town: Town) -> None:
    alice, bob = await town.user("alice"), await town.user("bob")
    guest = Requester(bob.user_id, bob.user_nid, bob.device_id, bob.device_nid, is_guest=True)
    closed = await town.room(alice, preset="public_chat")
    with pytest.raises(GuestAccessForbiddenError):
        await town.join(guest, closed.room_id, {})
    asked = NewState("m.room.guest_access", "", {"guest_access": "can_join"})
    opened = await town.room(alice, preset="public_chat", initial_state=(asked,))
    await town.join(guest, opened.room_id, {})
    assert BOB in opened.members


async def test_forgetting_takes_leaving_first_and_a_new_invitation_undoes_it(town: Town) -> None:
    alice, bob = await town.user("alice"), await town.user("bob")
    room = await town.room(alice, invite=(BOB,))
    with pytest.raises(MatrixError) as refused:
        await town.forget(bob, room.room_id)
    assert (refused.value.status, refused.value.errcode) == (400, "M_UNKNOWN")
    await town.leave(bob, room.room_id, {})
    await town.forget(bob, room.room_id)
    (place,) = await town.memberships.places(bob.user_nid)
    assert place.forgotten
    assert town.forgotten == [(bob.user_nid, room.nid)]
    await town.invite(alice, room.room_id, BOB, {})
    (place,) = await town.memberships.places(bob.user_nid)
    assert not place.forgotten


async def test_a_new_name_reaches_all_rooms(town: Town) -> None:
    alice, bob = await town.user("alice"), await town.user("bob")
    rooms = [await town.room(alice, preset="public_chat") for _ in range(3)]
    for room in rooms:
        await town.join(bob, room.room_id, {"reason": "hello"})
    await town.leave(bob, rooms[2].room_id, {})
    heads = [room.head.seq for room in rooms]
    await town.propagate(bob, "Robert", "mxc://firn.test/b")
    await town.propagate(bob, "Robert", "mxc://firn.test/b")
    assert [room.head.seq for room in rooms] == [heads[0] + 1, heads[1] + 1, heads[2]]
    for room in rooms[:2]:
        assert room.state["m.room.member", BOB].content == {
            "membership": "join",
            **MemberProfile("Robert", "mxc://firn.test/b").content(),
        }
        assert room.members[BOB].event is room.state["m.room.member", BOB]
