"""Whose invitations a user wants: `m.invite_permission_config`, and lists by MSC4155."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.client import MatrixRefusal
from tests.support.cluster import open_cluster

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.syncing import Phone, SyncTown

BLOCKED = (403, "M_INVITE_BLOCKED")
CONFIG = "m.invite_permission_config"
UNSTABLE = "org.matrix.msc4380.invite_permission_config"
LISTS = "org.matrix.msc4155.invite_permission_config"
BLOCK, ALLOW = {"default_action": "block"}, {"default_action": "allow"}


async def refusal(asked: Any) -> tuple[int, str]:
    """How a request is refused."""
    with pytest.raises(MatrixRefusal) as refused:
        await asked
    return refused.value.status, refused.value.errcode


def ways(phone: Phone, room: str, whom: Phone) -> list[Any]:
    """The three ways to invite somebody."""
    path = f"state/m.room.member/{quote(whom.user_id)}"
    return [
        phone.do("invite", room, whom),
        phone.room_call("PUT", room, path, {"membership": "invite"}),
        phone.create_room(invite=[whom.user_id]),
    ]


@pytest.mark.parametrize("kind", [CONFIG, UNSTABLE])
@pytest.mark.parametrize("restart", [False, True])
async def test_who_blocks_invitations_gets_none(
    town: SyncTown, romeo: Phone, juliet: Phone, kind: str, *, restart: bool
) -> None:
    room = await romeo.create_room()
    await juliet.keep(kind, BLOCK)
    if restart:
        await town.restart()
    for way in ways(romeo, room, juliet):
        assert await refusal(way) == BLOCKED
    members = await romeo.room_call("GET", room, "members")
    assert len(members["chunk"]) == 1
    assert (await romeo.call("GET", "/joined_rooms"))["joined_rooms"] == [room]
    await juliet.keep(kind, {})
    await romeo.do("invite", room, juliet)
    assert list((await juliet.get())["rooms"]["invite"]) == [room]


@pytest.mark.parametrize("content", [{}, ALLOW, {"default_action": 5}, {"default_action": None}])
async def test_what_says_nothing_else_lets_everybody_invite(
    romeo: Phone, juliet: Phone, content: dict[str, Any]
) -> None:
    await juliet.keep(CONFIG, content)
    room = await romeo.create_room()
    await romeo.do("invite", room, juliet)
    other = await romeo.create_room(invite=[juliet.user_id])
    assert set((await juliet.get())["rooms"]["invite"]) == {room, other}


async def test_invitations_from_before_are_not_told_either(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room()
    await romeo.do("invite", room, juliet)
    await juliet.keep(CONFIG, BLOCK)
    for answer in (await juliet.get(), await juliet.fresh()):
        assert "invite" not in answer.get("rooms", {})
    found = await romeo.room_call("GET", room, f"state/m.room.member/{quote(juliet.user_id)}")
    assert found["membership"] == "invite"
    await juliet.keep(CONFIG, ALLOW)
    assert list((await juliet.fresh())["rooms"]["invite"]) == [room]
    await juliet.do("join", room)


async def test_one_s_own_knock_is_told_whoever_may_invite(romeo: Phone, juliet: Phone) -> None:
    rule = {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}
    room = await romeo.create_room(initial_state=[rule])
    await juliet.keep(CONFIG, BLOCK)
    await juliet.call("POST", f"/knock/{quote(room)}", {})
    assert list((await juliet.fresh())["rooms"]["knock"]) == [room]


async def test_lists_say_who_may_invite(romeo: Phone, juliet: Phone, nurse: Phone) -> None:
    await juliet.keep(
        LISTS,
        {"allowed_users": [nurse.user_id], "blocked_users": ["@rom*:firn.test"], "enabled": True},
    )
    room = await romeo.create_room()
    for way in ways(romeo, room, juliet):
        assert await refusal(way) == BLOCKED
    other = await nurse.create_room()
    await nurse.do("invite", other, juliet)
    assert list((await juliet.get())["rooms"]["invite"]) == [other]


async def test_an_ignored_invitation_is_sent_and_not_told(romeo: Phone, juliet: Phone) -> None:
    await juliet.keep(LISTS, {"ignored_servers": ["firn.*"]})
    room = await romeo.create_room()
    await romeo.do("invite", room, juliet)
    assert "rooms" not in await juliet.fresh()
    await juliet.keep(LISTS, {"ignored_servers": ["firn.*"], "enabled": False})
    assert list((await juliet.fresh())["rooms"]["invite"]) == [room]


async def test_who_is_ignored_is_not_told_of_being_blocked_by_lists(
    romeo: Phone, juliet: Phone
) -> None:
    """MSC4155 looks at `m.ignored_user_list` first; who blocks everybody says so to them too."""
    await juliet.keep("m.ignored_user_list", {"ignored_users": {romeo.user_id: {}}})
    await juliet.keep(LISTS, {"blocked_users": [romeo.user_id]})
    room = await romeo.create_room()
    await romeo.do("invite", room, juliet)
    assert "rooms" not in await juliet.fresh()
    await juliet.keep(CONFIG, BLOCK)
    assert await refusal(romeo.create_room(invite=[juliet.user_id])) == BLOCKED


async def test_every_worker_knows_of_it(tmp_path: Path) -> None:
    async with open_cluster(tmp_path, "a", "b") as town:
        romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
        room = await romeo.create_room()
        await juliet.keep(CONFIG, BLOCK)
        await town.settle()
        assert await refusal(romeo.do("invite", room, juliet)) == BLOCKED
        await romeo.get()
        await juliet.get()


async def test_an_identity_server_is_not_asked(romeo: Phone) -> None:
    room = await romeo.create_room()
    body = {"id_server": "id.test", "id_access_token": "x", "medium": "email", "address": "a@b.c"}
    wrong = (403, "M_SERVER_NOT_TRUSTED")
    assert await refusal(romeo.room_call("POST", room, "invite", body)) == wrong
    assert await refusal(romeo.create_room(invite_3pid=[body])) == wrong
    del body["id_server"]
    missing = (400, "M_MISSING_PARAM")
    assert await refusal(romeo.room_call("POST", room, "invite", body)) == missing
    assert await refusal(romeo.room_call("POST", room, "invite", {})) == missing
