"""`/hierarchy`: the tree of a space, page by page, as far as one may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from homeserver.application.rooms import walk_space
from tests.integration.directory.test_entering import admitting
from tests.integration.directory.test_published import refusal
from tests.integration.directory.test_summary import HOW, make, rule

if TYPE_CHECKING:
    from tests.support.syncing import Phone

FORBIDDEN = (403, "M_FORBIDDEN")
INVALID = (400, "M_INVALID_PARAM")


def tree(room: str) -> str:
    """The path of a hierarchy."""
    return f"/_matrix/client/v1/rooms/{quote(room, safe='')}/hierarchy"


async def space(phone: Phone, name: str, *children: str, **wanted: Any) -> str:
    """A space with children in this order."""
    kind = {"type": "m.space"}
    room = await phone.create_room(name=name, preset="public_chat", creation_content=kind, **wanted)
    for number, child in enumerate(children):
        await add(phone, room, child, order=f"{number:03}")
    return room


async def add(phone: Phone, room: str, child: str, **content: Any) -> None:
    """Add a child to a space."""
    await phone.state(room, "m.space.child", {"via": ["firn.test"], **content}, child)


async def chat(phone: Phone, name: str, **wanted: Any) -> str:
    """A public room."""
    return await phone.create_room(**{"name": name, "preset": "public_chat", **wanted})


async def names(phone: Phone, room: str, **query: Any) -> list[str]:
    """The names of the rooms of all pages, in order."""
    found: list[str] = []
    start: str | None = None
    while True:
        page = await phone.call("GET", tree(room), query={**query, "from": start})
        assert len(page["rooms"]) <= int(query.get("limit", 50))
        found += [r.get("name", "?") for r in page["rooms"]]
        start = page.get("next_batch")
        if start is None:
            return found


async def test_a_page_of_the_tree(romeo: Phone, juliet: Phone) -> None:
    room = await chat(romeo, "Square", room_version="11")
    root = await space(romeo, "Verona", room, room_version="11")
    child = await romeo.room_call(
        "GET", root, f"state/m.space.child/{quote(room, safe='')}", format="event"
    )
    assert await juliet.call("GET", tree(root)) == {
        "rooms": [
            {
                "room_id": root,
                "name": "Verona",
                "num_joined_members": 1,
                "join_rule": "public",
                "world_readable": False,
                "guest_can_join": False,
                "room_type": "m.space",
                "room_version": "11",
                "children_state": [
                    {
                        "type": "m.space.child",
                        "state_key": room,
                        "content": {"via": ["firn.test"], "order": "000"},
                        "sender": romeo.user_id,
                        "origin_server_ts": child["origin_server_ts"],
                    }
                ],
            },
            {
                "room_id": room,
                "name": "Square",
                "num_joined_members": 1,
                "join_rule": "public",
                "world_readable": False,
                "guest_can_join": False,
                "room_version": "11",
                "children_state": [],
            },
        ]
    }


async def test_depth_first_in_order_and_in_pages(romeo: Phone, juliet: Phone) -> None:
    rooms = [await chat(romeo, f"{n}") for n in range(5)]
    low = await space(romeo, "low", rooms[3])
    middle = await space(romeo, "middle", rooms[2], low)
    root = await space(romeo, "root", rooms[1], middle, rooms[0], rooms[4])
    every = ["root", "1", "middle", "2", "low", "3", "0", "4"]
    assert await names(juliet, root) == every
    for limit in (1, 3, 7, 8):
        assert await names(juliet, root, limit=limit) == every
    assert await names(juliet, root, max_depth=0) == ["root"]
    assert await names(juliet, root, max_depth=1, limit=2) == ["root", "1", "middle", "0", "4"]
    assert await names(juliet, root, max_depth=2, limit=2) == [n for n in every if n != "3"]
    assert await names(juliet, rooms[0]) == ["0"]


async def test_circles_end_and_each_room_is_given_once(romeo: Phone, juliet: Phone) -> None:
    room = await chat(romeo, "room")
    low = await space(romeo, "low", room)
    root = await space(romeo, "root", low, room)
    for child in (root, low, room):
        await add(romeo, low, child)
    assert await names(juliet, root) == ["root", "low", "room"]
    assert await names(juliet, low, limit=1) == ["low", "root", "room"]  # by age


async def test_suggested_rooms_alone(romeo: Phone, juliet: Phone) -> None:
    rooms = [await chat(romeo, f"{n}") for n in range(3)]
    low = await space(romeo, "low", rooms[2])
    root = await space(romeo, "root", rooms[0])
    await add(romeo, root, rooms[1], suggested=True)
    await add(romeo, root, low, suggested=True)
    assert await names(juliet, root, suggested_only="true") == ["root", "1", "low"]
    page = await juliet.call("GET", tree(root), query={"suggested_only": "true"})
    assert [e["state_key"] for e in page["rooms"][0]["children_state"]] == [rooms[1], low]
    assert await names(juliet, root, suggested_only="false") == ["root", "0", "1", "low", "2"]


async def test_what_is_no_child(romeo: Phone, juliet: Phone) -> None:
    room = await chat(romeo, "room")
    root = await space(romeo, "root", "!unknown:firn.test", "nonsense", room)
    other = await chat(romeo, "no space")
    await add(romeo, other, room)
    assert await names(juliet, root) == ["root", "room"]
    assert await names(juliet, other) == ["no space"]
    await romeo.state(root, "m.space.child", {}, room)
    assert await names(juliet, root) == ["root"]
    page = await juliet.call("GET", tree(root))
    keys = [e["state_key"] for e in page["rooms"][0]["children_state"]]
    assert keys == ["!unknown:firn.test", "nonsense"]


async def test_a_walk_ends_however_many_rooms_a_space_names(
    romeo: Phone, juliet: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = [await chat(romeo, f"{n}") for n in range(3)]
    gone = [f"!gone{n}:firn.test" for n in range(10)]
    root = await space(romeo, "root", *rooms[:2], *gone, rooms[2])
    assert await names(juliet, root, limit=1) == ["root", "0", "1", "2"]
    monkeypatch.setattr(walk_space, "MAX_LOOKED_AT", 5)
    assert await names(juliet, root, limit=1) == ["root", "0", "1"]


@pytest.mark.parametrize("visibility", ["shared", "world_readable"])
@pytest.mark.parametrize("how", HOW)
async def test_D8_who_sees_a_closed_room_of_a_space(
    romeo: Phone, juliet: Phone, how: str, visibility: str
) -> None:
    room = await make(romeo, juliet, how, visibility)
    root = await space(romeo, "root", room)
    seen = visibility == "world_readable" or how in {"invite", "knock", "join"}
    assert await names(juliet, root) == (["root", "?"] if seen else ["root"])
    if seen:
        assert await names(juliet, room) == ["?"]
    else:
        assert await refusal(juliet, "GET", tree(room)) == FORBIDDEN


@pytest.mark.parametrize("name", ["public", "knock", "knock_restricted", "restricted", "invite"])
@pytest.mark.parametrize("banned", [False, True])
async def test_D8_who_sees_a_room_by_its_join_rule(
    romeo: Phone, juliet: Phone, name: str, banned: bool
) -> None:
    hall = await chat(romeo, "hall")
    room = await chat(romeo, "room", initial_state=[admitting(hall, name=name)])
    root = await space(romeo, "root", room)
    if banned:
        await romeo.do("ban", room, juliet)
    seen = not banned and name in {"public", "knock", "knock_restricted"}
    assert await names(juliet, root) == (["root", "room"] if seen else ["root"])
    await juliet.do("join", hall)
    seen = not banned and name != "invite"
    assert await names(juliet, root) == (["root", "room"] if seen else ["root"])


async def test_a_hidden_space_hides_what_is_in_it(romeo: Phone, juliet: Phone) -> None:
    room = await chat(romeo, "room")
    hidden = await space(romeo, "hidden", room, initial_state=[rule("invite")])
    root = await space(romeo, "root", hidden)
    assert await names(juliet, root) == ["root"]
    assert await names(romeo, root) == ["root", "hidden", "room"]


async def test_tokens_hold_for_their_space_and_parameters(romeo: Phone) -> None:
    rooms = [await chat(romeo, f"{n}") for n in range(3)]
    root, other = await space(romeo, "root", *rooms), await space(romeo, "other", *rooms)
    query = {"limit": 1, "max_depth": 2, "suggested_only": "false"}
    token = (await romeo.call("GET", tree(root), query=query))["next_batch"]
    for changed in ({"max_depth": 1}, {"suggested_only": "true"}):
        asked = {**query, **changed, "from": token}
        assert await refusal(romeo, "GET", tree(root), **asked) == INVALID
    assert await refusal(romeo, "GET", tree(other), **{**query, "from": token}) == INVALID
    page = await romeo.call("GET", tree(root), query={"from": token, "limit": 2})
    assert [r["name"] for r in page["rooms"]] == ["0", "1"]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": "x"},
        {"limit": -1},
        {"max_depth": -1},
        {"max_depth": "x"},
        {"suggested_only": "yes"},
        {"from": "nonsense"},
        {"from": "MSAwIDEwIDUg"},
        {"from": "é"},
    ],
)
async def test_bad_parameters(romeo: Phone, query: dict[str, Any]) -> None:
    root = await space(romeo, "root")
    assert await refusal(romeo, "GET", tree(root), **query) == INVALID
    assert await refusal(romeo, "GET", tree("!none:firn.test")) == FORBIDDEN
