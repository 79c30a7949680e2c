"""Knocking, and rooms that admit the members of other rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.integration.directory.test_published import refusal
from tests.integration.directory.test_summary import rule

if TYPE_CHECKING:
    from tests.support.syncing import Phone

FORBIDDEN = (403, "M_FORBIDDEN")
VERSIONS = ("10", "11", "12")


def door(room: str) -> str:
    """Where one knocks."""
    return f"/knock/{quote(room, safe='')}"


async def content_of(phone: Phone, room: str, who: Phone) -> dict[str, Any]:
    """A member event's content as the room has it."""
    where = f"state/m.room.member/{quote(who.user_id, safe='')}"
    found: dict[str, Any] = await phone.room_call("GET", room, where)
    return found


def admitting(*rooms: str, name: str = "restricted") -> dict[str, Any]:
    """A join rule that admits the members of these rooms."""
    allow = [{"type": "m.room_membership", "room_id": room} for room in rooms]
    return rule(name, allow=allow)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["knock", "knock_restricted"])
async def test_a_knock_is_seen_and_accepted(
    romeo: Phone, juliet: Phone, version: str, name: str
) -> None:
    room = await romeo.create_room(
        name="Orchard", room_version=version, initial_state=[rule(name)], room_alias_name="orchard"
    )
    await romeo.get()
    knocked = await juliet.call("POST", door("#orchard:firn.test"), {"reason": "it is me"})
    assert knocked == {"room_id": room}
    content = await content_of(romeo, room, juliet)
    assert (content["membership"], content["reason"]) == ("knock", "it is me")
    seen = (await romeo.get())["rooms"]["join"][room]["timeline"]["events"]
    assert [e["content"]["membership"] for e in seen] == ["knock"]
    own = (await juliet.get())["rooms"]["knock"][room]["knock_state"]["events"]
    assert {"m.room.create", "m.room.name", "m.room.join_rules"} <= {e["type"] for e in own}
    assert await refusal(juliet, "POST", f"/join/{quote(room, safe='')}", {}) == FORBIDDEN
    await romeo.do("invite", room, juliet)
    assert list((await juliet.get())["rooms"]) == ["invite"]
    await juliet.do("join", room)
    assert list((await juliet.get())["rooms"]) == ["join"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_knock_is_turned_away_taken_back_and_repeated(
    romeo: Phone, juliet: Phone, version: str
) -> None:
    room = await romeo.create_room(room_version=version, initial_state=[rule("knock")])
    await juliet.call("POST", door(room), {})
    first = await content_of(romeo, room, juliet)
    await juliet.call("POST", door(room), {})  # once more is nothing new
    assert await content_of(romeo, room, juliet) == first
    await juliet.get()
    await romeo.do("kick", room, juliet, reason="not now")
    left = (await juliet.get())["rooms"]["leave"][room]
    assert left["timeline"]["events"][-1]["content"]["reason"] == "not now"
    await juliet.call("POST", door(room), {})
    await juliet.do("leave", room)
    assert (await content_of(romeo, room, juliet))["membership"] == "leave"
    await juliet.call("POST", door(room), {})
    await romeo.do("ban", room, juliet)
    assert await refusal(juliet, "POST", door(room), {}) == FORBIDDEN
    await romeo.do("unban", room, juliet)
    await juliet.call("POST", door(room), {})
    assert (await content_of(romeo, room, juliet))["membership"] == "knock"


@pytest.mark.parametrize("name", ["invite", "public", "private", "restricted", "nonsense"])
async def test_rooms_that_take_no_knocks(romeo: Phone, juliet: Phone, name: str) -> None:
    room = await romeo.create_room(initial_state=[rule(name)])
    assert await refusal(juliet, "POST", door(room), {}) == FORBIDDEN


async def test_who_is_in_or_invited_does_not_knock(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(initial_state=[rule("knock")])
    assert await refusal(romeo, "POST", door(room), {}) == FORBIDDEN
    await romeo.do("invite", room, juliet)
    assert await refusal(juliet, "POST", door(room), {}) == FORBIDDEN


@pytest.mark.parametrize(
    ("room", "body", "refused"),
    [
        ("!none:firn.test", {}, (404, "M_NOT_FOUND")),
        ("#none:firn.test", {}, (404, "M_NOT_FOUND")),
        ("none", {}, (400, "M_INVALID_PARAM")),
        ("!none:firn.test", {"reason": 5}, (400, "M_BAD_JSON")),
        ("!none:firn.test", [], (400, "M_BAD_JSON")),
    ],
)
async def test_bad_knocks(juliet: Phone, room: str, body: Any, refused: tuple[int, str]) -> None:
    assert await refusal(juliet, "POST", door(room), body) == refused


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["restricted", "knock_restricted"])
async def test_members_of_one_room_may_join_another(
    romeo: Phone, juliet: Phone, nurse: Phone, version: str, name: str
) -> None:
    halls = [await romeo.create_room(preset="public_chat") for _ in range(2)]
    room = await romeo.create_room(
        room_version=version,
        initial_state=[admitting("!elsewhere:other.test", *halls, name=name)],
    )
    assert await refusal(juliet, "POST", f"/join/{quote(room, safe='')}", {}) == FORBIDDEN
    await juliet.do("join", halls[1])
    forged = {"membership": "join", "join_authorised_via_users_server": nurse.user_id}
    await juliet.state(room, "m.room.member", forged, juliet.user_id)
    content = await content_of(romeo, room, juliet)
    assert content["join_authorised_via_users_server"] == romeo.user_id
    # whoever is in needs no authorisation, whatever becomes of the other room
    await juliet.do("leave", halls[1])
    new = {"membership": "join", "displayname": "J"}
    await juliet.state(room, "m.room.member", new, juliet.user_id)
    assert await content_of(romeo, room, juliet) == new


@pytest.mark.parametrize("version", VERSIONS)
async def test_only_who_may_invite_and_is_there_authorises(
    romeo: Phone, juliet: Phone, nurse: Phone, version: str
) -> None:
    hall = await romeo.create_room(preset="public_chat")
    await juliet.do("join", hall)
    room = await romeo.create_room(
        room_version=version,
        initial_state=[admitting(hall)],
        power_level_content_override={"invite": 50},
    )
    await romeo.do("invite", room, nurse)
    await nurse.do("join", room)
    join = f"/join/{quote(room, safe='')}"
    levels = await romeo.room_call("GET", room, "state/m.room.power_levels/")
    levels["users"] = {**levels["users"], nurse.user_id: 100}
    await romeo.state(room, "m.room.power_levels", levels)
    await romeo.do("leave", room)
    await juliet.call("POST", join, {})
    content = await content_of(nurse, room, juliet)
    assert content["join_authorised_via_users_server"] == nurse.user_id
    await juliet.do("leave", room)
    levels["users"][nurse.user_id] = 0
    await nurse.state(room, "m.room.power_levels", levels)
    assert await refusal(juliet, "POST", join, {}) == FORBIDDEN


async def test_an_invitation_needs_no_authorisation(romeo: Phone, juliet: Phone) -> None:
    hall = await romeo.create_room(preset="public_chat")
    await juliet.do("join", hall)
    room = await romeo.create_room(initial_state=[admitting(hall)])
    await romeo.do("invite", room, juliet)
    await juliet.do("join", room)
    assert await content_of(romeo, room, juliet) == {"membership": "join"}


async def test_who_was_banned_is_not_admitted(romeo: Phone, juliet: Phone) -> None:
    hall = await romeo.create_room(preset="public_chat")
    await juliet.do("join", hall)
    room = await romeo.create_room(initial_state=[admitting(hall)])
    await romeo.do("ban", room, juliet)
    assert await refusal(juliet, "POST", f"/join/{quote(room, safe='')}", {}) == FORBIDDEN


@pytest.mark.parametrize(
    "allow",
    [
        None,
        {},
        "x",
        [5],
        [{"type": "m.room_membership"}],
        [{"type": "m.room_membership", "room_id": 5}],
        [{"type": "m.room_membership", "room_id": "!" + "x" * 300}],
        [{"type": "x.other", "room_id": "!a:firn.test"}],
    ],
)
async def test_conditions_that_say_nothing_admit_nobody(
    romeo: Phone, juliet: Phone, allow: Any
) -> None:
    room = await romeo.create_room(initial_state=[rule("restricted", allow=allow)])
    assert await refusal(juliet, "POST", f"/join/{quote(room, safe='')}", {}) == FORBIDDEN
