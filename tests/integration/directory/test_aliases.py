"""Aliases of rooms, and what removing one does to the room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.integration.directory.test_published import refusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone

FORBIDDEN = (403, "M_FORBIDDEN")


def path_of(name: str) -> str:
    """The path of an alias."""
    return "/directory/room/" + quote(f"#{name}:firn.test", safe="")


async def canonical(phone: Phone, room: str) -> dict[str, Any]:
    """The content of the room's canonical alias event."""
    found: dict[str, Any] = await phone.room_call("GET", room, "state/m.room.canonical_alias/")
    return found


async def test_the_aliases_of_a_room_are_for_its_members(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat", room_alias_name="b")
    await romeo.call("PUT", path_of("a"), {"room_id": room})
    aliases = {"aliases": ["#a:firn.test", "#b:firn.test"]}
    where = f"/rooms/{quote(room, safe='')}/aliases"
    assert await romeo.call("GET", where) == aliases
    assert await refusal(juliet, "GET", where) == FORBIDDEN
    await juliet.do("join", room)
    assert await juliet.call("GET", where) == aliases
    await juliet.do("leave", room)
    assert await refusal(juliet, "GET", where) == FORBIDDEN
    await romeo.visibility(room, "world_readable")
    assert await juliet.call("GET", where) == aliases
    assert await refusal(juliet, "GET", "/rooms/!none:firn.test/aliases") == FORBIDDEN


async def test_an_alias_that_goes_leaves_the_canonical_alias_event_too(romeo: Phone) -> None:
    room = await romeo.create_room(room_alias_name="main")
    await romeo.call("PUT", path_of("other"), {"room_id": room})
    both = {"alias": "#main:firn.test", "alt_aliases": ["#other:firn.test"], "x": 1}
    await romeo.state(room, "m.room.canonical_alias", both)
    await romeo.call("DELETE", path_of("main"))
    assert await canonical(romeo, room) == {"alt_aliases": ["#other:firn.test"], "x": 1}
    await romeo.call("DELETE", path_of("other"))
    assert await canonical(romeo, room) == {"alt_aliases": [], "x": 1}


async def test_who_has_no_power_removes_their_own_alias_all_the_same(
    romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await nurse.do("join", room)
    await juliet.call("PUT", path_of("hers"), {"room_id": room})
    await romeo.state(room, "m.room.canonical_alias", {"alias": "#hers:firn.test"})
    assert await refusal(nurse, "DELETE", path_of("hers")) == FORBIDDEN
    assert await juliet.call("DELETE", path_of("hers")) == {}
    assert await refusal(juliet, "GET", path_of("hers")) == (404, "M_NOT_FOUND")
    assert await canonical(romeo, room) == {"alias": "#hers:firn.test"}
    await juliet.call("PUT", path_of("hers"), {"room_id": room})
    await romeo.call("DELETE", path_of("hers"))  # not hers, but power over the room's names
    assert await canonical(romeo, room) == {}


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        ({"alias": "#none:firn.test"}, (400, "M_BAD_ALIAS")),
        ({"alias": "#elsewhere:firn.test"}, (400, "M_BAD_ALIAS")),
        ({"alt_aliases": ["#here:firn.test", "#elsewhere:firn.test"]}, (400, "M_BAD_ALIAS")),
        ({"alias": "no alias"}, (400, "M_INVALID_PARAM")),
        ({"alt_aliases": ["#:firn.test"]}, (400, "M_INVALID_PARAM")),
        ({"alias": 5}, (400, "M_BAD_JSON")),
        ({"alt_aliases": "#here:firn.test"}, (400, "M_BAD_JSON")),
    ],
)
async def test_canonical_aliases_must_point_here(
    romeo: Phone, content: dict[str, Any], refused: tuple[int, str]
) -> None:
    room = await romeo.create_room(room_alias_name="here")
    await romeo.create_room(room_alias_name="elsewhere")
    where = f"/rooms/{quote(room, safe='')}/state/m.room.canonical_alias/"
    assert await refusal(romeo, "PUT", where, content) == refused
    assert await canonical(romeo, room) == {"alias": "#here:firn.test"}


@pytest.mark.parametrize("name", ["#a:other.test", "#:firn.test", "a:firn.test", "#a b:firn.test"])
async def test_aliases_that_cannot_be_given(romeo: Phone, name: str) -> None:
    room = await romeo.create_room()
    where = "/directory/room/" + quote(name, safe="")
    assert await refusal(romeo, "PUT", where, {"room_id": room}) == (400, "M_INVALID_PARAM")
