"""Replacing a room by one of another version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.integration.directory.test_aliases import canonical, path_of
from tests.integration.directory.test_published import listed, page, refusal
from tests.integration.directory.test_spaces import add, space
from tests.integration.directory.test_summary import rule
from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone

FORBIDDEN = (403, "M_FORBIDDEN")
VERSIONS = ("9", "10", "11", "12")
PAIRS = [(old, new) for old in VERSIONS for new in VERSIONS]


def upgrading(room: str) -> str:
    """Where a room is upgraded."""
    return f"/rooms/{quote(room, safe='')}/upgrade"


async def upgrade(phone: Phone, room: str, version: str = "12", **more: Any) -> str:
    """Upgrade; the new room's id."""
    found = await phone.call("POST", upgrading(room), {"new_version": version, **more})
    return str(found["replacement_room"])


async def state_of(phone: Phone, room: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The state events by key."""
    events = await phone.room_call("GET", room, "state")
    return {(event["type"], event["state_key"]): event for event in events}


def contents(state: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    """The contents of what has an empty key, by type."""
    return {kind: event["content"] for (kind, key), event in state.items() if not key}


@pytest.mark.parametrize(("before", "after"), PAIRS)
async def test_the_new_room_is_as_the_old_one_was(
    romeo: Phone, juliet: Phone, before: str, after: str
) -> None:
    kept = {
        "m.room.encryption": {"algorithm": "m.megolm.v1.aes-sha2"},
        "m.room.server_acl": {"allow": ["*"], "deny": ["evil.test"]},
        "m.room.avatar": {"url": "mxc://firn.test/a"},
        "m.room.join_rules": {"join_rule": "knock"},
        "m.room.history_visibility": {"history_visibility": "joined"},
        "m.room.guest_access": {"guest_access": "forbidden"},
    }
    others = [{"type": kind, "content": content} for kind, content in kept.items()]
    old = await romeo.create_room(
        name="Old",
        topic="Talk",
        room_version=before,
        initial_state=[*others, {"type": "x.own", "content": {"a": 1}}],
        power_level_content_override={
            "users": {juliet.user_id: 60} if before == "12" else {romeo.user_id: 100},
            "redact": 70,
        },
    )
    await romeo.do("invite", old, juliet)
    await juliet.do("join", old)
    last = (await romeo.room_call("GET", old, "messages", dir="b", limit=1))["chunk"][0]
    new = await upgrade(romeo, old, after)
    state, was = await state_of(romeo, new), await state_of(romeo, old)
    found = contents(state)
    tombstone = was["m.room.tombstone", ""]
    assert tombstone["content"]["replacement_room"] == new
    create = found["m.room.create"]
    assert create["room_version"] == after
    named = last["event_id"] if after == "12" else tombstone["event_id"]
    assert create["predecessor"] == {"room_id": old, "event_id": named}
    assert ("creator" in create) == (after in {"9", "10"})
    for kind in (*kept, "m.room.name", "m.room.topic"):
        assert found[kind] == contents(was)[kind], kind
    assert "x.own" not in found
    assert ("m.room.member", juliet.user_id) not in state
    levels = found["m.room.power_levels"]
    assert (levels["redact"], levels["invite"], levels["events_default"]) == (70, 0, 0)
    users = {juliet.user_id: 60} if before == "12" else {}
    if after != "12":  # a creator of version 12 gets what its highest level asks for
        users[romeo.user_id] = 150 if before == "12" else 100
    assert levels["users"] == users
    await romeo.send(new, "first")


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_old_room_is_closed(romeo: Phone, juliet: Phone, version: str) -> None:
    old = await romeo.create_room(preset="public_chat", room_version=version)
    await juliet.do("join", old)
    await juliet.get()
    await upgrade(romeo, old)
    (part,) = (await juliet.get())["rooms"]["join"].values()
    kinds = [event["type"] for event in part["timeline"]["events"]]
    assert kinds == ["m.room.tombstone", "m.room.power_levels"]
    levels = contents(await state_of(romeo, old))["m.room.power_levels"]
    assert (levels["events_default"], levels["invite"]) == (50, 50)
    with pytest.raises(MatrixRefusal, match="403"):
        await juliet.send(old, "too late")
    await romeo.send(old, "who rules may")


async def test_levels_of_the_old_room_only_rise(romeo: Phone) -> None:
    override = {"users_default": 60, "events_default": 90, "invite": 20}
    old = await romeo.create_room(power_level_content_override=override)
    new = await upgrade(romeo, old)
    levels = contents(await state_of(romeo, old))["m.room.power_levels"]
    assert (levels["events_default"], levels["invite"], levels["users_default"]) == (90, 61, 60)
    levels = contents(await state_of(romeo, new))["m.room.power_levels"]
    assert (levels["events_default"], levels["invite"], levels["users_default"]) == (90, 20, 60)


async def test_names_move_to_the_new_room(romeo: Phone, juliet: Phone) -> None:
    old = await romeo.create_room(visibility="public", name="Square", room_alias_name="square")
    await romeo.call("PUT", path_of("other"), {"room_id": old})
    both = {"alias": "#square:firn.test", "alt_aliases": ["#other:firn.test"]}
    await romeo.state(old, "m.room.canonical_alias", both)
    new = await upgrade(romeo, old)
    for name in ("square", "other"):
        assert (await juliet.call("GET", path_of(name)))["room_id"] == new
    assert await canonical(romeo, new) == both
    assert await canonical(romeo, old) == {"alt_aliases": []}
    assert [room["room_id"] for room in (await page(juliet))["chunk"]] == [new]
    assert (await page(juliet))["chunk"][0]["canonical_alias"] == "#square:firn.test"
    assert await romeo.call("GET", listed(old)) == {"visibility": "private"}
    await romeo.call("DELETE", path_of("other"))
    private = await romeo.create_room()
    after = await upgrade(romeo, private)
    assert await romeo.call("GET", listed(after)) == {"visibility": "private"}


async def test_spaces_keep_their_children(romeo: Phone) -> None:
    rooms = [await romeo.create_room(name=f"{n}") for n in range(2)]
    root = await space(romeo, "root", rooms[0], room_version="11")
    await add(romeo, root, rooms[1], suggested=True)
    await romeo.state(root, "m.space.child", {}, "!gone:firn.test")
    state = await state_of(romeo, await upgrade(romeo, root))
    assert state["m.room.create", ""]["content"]["type"] == "m.space"
    children = {k[1]: e["content"] for k, e in state.items() if k[0] == "m.space.child"}
    assert children == {
        rooms[0]: {"via": ["firn.test"], "order": "000"},
        rooms[1]: {"via": ["firn.test"], "suggested": True},
    }


async def test_creators_beside_the_upgrader(romeo: Phone, juliet: Phone, nurse: Phone) -> None:
    old = await romeo.create_room(
        room_version="11",
        preset="public_chat",
        power_level_content_override={
            "users": {romeo.user_id: 100, juliet.user_id: 100, nurse.user_id: 50}
        },
    )
    creators = [juliet.user_id, romeo.user_id, juliet.user_id]
    new = await upgrade(romeo, old, additional_creators=creators)
    found = contents(await state_of(romeo, new))
    assert found["m.room.create"]["additional_creators"] == [juliet.user_id]
    assert found["m.room.power_levels"]["users"] == {nurse.user_id: 50}
    await juliet.do("join", new)
    # they are not carried on to the next room, which may be an earlier version
    third = contents(await state_of(romeo, await upgrade(romeo, new)))
    assert "additional_creators" not in third["m.room.create"]
    older = contents(await state_of(juliet, await upgrade(juliet, new, "11")))
    assert older["m.room.power_levels"]["users"] == {juliet.user_id: 100, nurse.user_id: 50}


@pytest.mark.parametrize("after", ["10", "12"])
async def test_levels_in_strings_become_integers(romeo: Phone, juliet: Phone, after: str) -> None:
    old = await romeo.create_room(room_version="9", preset="public_chat")
    levels = contents(await state_of(romeo, old))["m.room.power_levels"]
    users = {**levels["users"], juliet.user_id: " 50"}
    events = {**levels["events"], "m.room.name": "30"}
    strings = {**levels, "users": users, "events": events, "kick": "40"}
    await romeo.state(old, "m.room.power_levels", strings)
    found = contents(await state_of(romeo, await upgrade(romeo, old, after)))["m.room.power_levels"]
    assert (found["kick"], found["events"]["m.room.name"]) == (40, 30)
    assert found["users"][juliet.user_id] == 50


async def test_who_may_upgrade(romeo: Phone, juliet: Phone, nurse: Phone) -> None:
    room = await romeo.create_room(
        room_version="11",
        preset="public_chat",
        initial_state=[rule("public")],
        power_level_content_override={
            "users": {romeo.user_id: 100, juliet.user_id: 50},
            "events": {"m.room.tombstone": 50, "m.room.power_levels": 100},
            "ban": 60,
        },
    )
    body = {"new_version": "12"}
    assert await refusal(nurse, "POST", upgrading(room), body) == FORBIDDEN
    await nurse.do("join", room)
    assert await refusal(nurse, "POST", upgrading(room), body) == FORBIDDEN
    assert await refusal(nurse, "POST", upgrading("!none:firn.test"), body) == FORBIDDEN
    assert "m.room.tombstone" not in contents(await state_of(romeo, room))
    await juliet.do("join", room)
    new = await upgrade(juliet, room, "11")
    # the old levels hold in the new room, also for who made it
    levels = contents(await state_of(juliet, new))["m.room.power_levels"]
    assert levels["users"] == {romeo.user_id: 100, juliet.user_id: 50}
    # the old room's were not hers to change
    old = contents(await state_of(romeo, room))
    assert old["m.room.tombstone"]["replacement_room"] == new
    assert old["m.room.power_levels"]["events_default"] == 0


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, (400, "M_MISSING_PARAM")),
        ({"new_version": 12}, (400, "M_BAD_JSON")),
        ({"new_version": "99"}, (400, "M_UNSUPPORTED_ROOM_VERSION")),
        ({"new_version": "5"}, (400, "M_UNSUPPORTED_ROOM_VERSION")),
        ({"new_version": "12", "additional_creators": "@a:b"}, (400, "M_BAD_JSON")),
        ({"new_version": "12", "additional_creators": [5]}, (400, "M_BAD_JSON")),
        ({"new_version": "12", "additional_creators": ["x"]}, (400, "M_INVALID_PARAM")),
        ([], (400, "M_BAD_JSON")),
    ],
)
async def test_bad_upgrades_change_nothing(
    romeo: Phone, body: Any, refused: tuple[int, str]
) -> None:
    room = await romeo.create_room()
    before = await state_of(romeo, room)
    assert await refusal(romeo, "POST", upgrading(room), body) == refused
    assert await state_of(romeo, room) == before
    assert (await romeo.call("GET", "/joined_rooms"))["joined_rooms"] == [room]


async def test_creators_that_a_version_does_not_have_are_not_looked_at(romeo: Phone) -> None:
    room = await romeo.create_room()
    new = await upgrade(romeo, room, "11", additional_creators=["x"])
    assert "additional_creators" not in contents(await state_of(romeo, new))["m.room.create"]


async def test_settings_come_along(romeo: Phone, juliet: Phone, nurse: Phone) -> None:
    old = await romeo.create_room(preset="public_chat")
    await juliet.do("join", old)
    for phone in (romeo, juliet, nurse):
        await phone.keep("m.direct", {romeo.user_id: [old, "!x:firn.test"], "@b:firn.test": []})
    await juliet.tag(old, "m.favourite", 0.25)
    new = await upgrade(romeo, old)
    await juliet.get()
    for phone in (juliet, nurse):
        await phone.do("join", new)
    synced = await juliet.get()
    assert juliet.account_data["m.direct"][romeo.user_id] == [old, "!x:firn.test", new]
    tags = {"tags": {"m.favourite": {"order": 0.25}}}
    assert juliet.rooms[new].account_data["m.tag"] == tags
    assert "m.direct" in [e["type"] for e in synced["account_data"]["events"]]
    await romeo.get()
    assert new in romeo.account_data["m.direct"][romeo.user_id]
    await nurse.get()  # she was never in the old room
    assert nurse.account_data["m.direct"][romeo.user_id] == [old, "!x:firn.test"]
    # what one has set in the new room stays
    await juliet.do("leave", new)
    await juliet.tag(new, "m.lowpriority", 0.5)
    await juliet.do("join", new)
    where = f"/user/{quote(juliet.user_id)}/rooms/{quote(new)}/tags"
    assert sorted((await juliet.call("GET", where))["tags"]) == ["m.favourite", "m.lowpriority"]


async def test_a_room_that_only_claims_to_replace_another_gets_no_settings(
    romeo: Phone, juliet: Phone
) -> None:
    old = await romeo.create_room(preset="public_chat")
    await juliet.do("join", old)
    await juliet.tag(old, "m.favourite")
    claim = {"predecessor": {"room_id": old}}
    new = await romeo.create_room(preset="public_chat", creation_content=claim)
    for odd in (5, {}, {"room_id": 5}, {"room_id": "!none:firn.test"}):
        room = await romeo.create_room(preset="public_chat", creation_content={"predecessor": odd})
        await juliet.do("join", room)
    await juliet.do("join", new)
    await juliet.get()
    assert "m.tag" not in juliet.rooms[new].account_data
