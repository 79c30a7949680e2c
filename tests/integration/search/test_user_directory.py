"""`POST /user_directory/search`: whom a user finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.ports.profiles import MemberProfile
from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.integration.search.conftest import Fill
    from tests.support.syncing import Phone, SyncTown


async def people(phone: Phone, term: str, **wanted: Any) -> list[str]:
    """The ids of those who are found, in order."""
    body = {"search_term": term, **wanted}
    answer = await phone.call("POST", "/user_directory/search", body)
    return [person["user_id"] for person in answer["results"]]


async def test_who_shares_a_room_is_found_by_id_and_name(
    town: SyncTown, romeo: Phone, juliet: Phone, nurse: Phone, fill: Fill
) -> None:
    profile = MemberProfile("Giulietta 朱丽叶", "mxc://firn.test/j")
    town.profiles[town.requester(juliet).user_nid] = profile
    room = await romeo.create_room(invite=[juliet.user_id])
    await fill()
    assert await people(romeo, "juliet") == []  # invited only
    await juliet.do("join", room)
    await fill()
    answer = await romeo.call("POST", "/user_directory/search", {"search_term": "juliet"})
    person = {
        "user_id": juliet.user_id,
        "display_name": "Giulietta 朱丽叶",
        "avatar_url": "mxc://firn.test/j",
    }
    assert answer == {"results": [person], "limited": False}
    for term in (juliet.user_id, "JUL", "giulietta", "GIÚ", "丽叶", "朱", "juliet 朱丽叶"):
        assert await people(romeo, term) == [juliet.user_id], term
    for term in ("ulie", "juliet tybalt", "", "!?"):
        assert await people(romeo, term) == [], term
    assert await people(nurse, "juliet") == []
    await juliet.do("leave", room)
    assert await people(romeo, "juliet") == []


@pytest.mark.parametrize("way", ["join rule", "visibility"])
async def test_who_is_in_an_open_room_is_found_by_everybody_for_as_long(
    romeo: Phone, nurse: Phone, fill: Fill, way: str
) -> None:
    room = await romeo.create_room()
    await fill()
    assert await people(nurse, "romeo") == []
    if way == "visibility":
        await romeo.visibility(room, "world_readable")
        assert await people(nurse, "romeo") == [romeo.user_id]
        await romeo.visibility(room, "shared")
    else:
        await romeo.state(room, "m.room.join_rules", {"join_rule": "public"})
        assert await people(nurse, "romeo") == [romeo.user_id]
        await romeo.state(room, "m.room.join_rules", {"join_rule": "invite"})
    assert await people(nurse, "romeo") == []


async def test_a_new_name_takes_the_place_of_the_old_one(
    town: SyncTown, romeo: Phone, fill: Fill
) -> None:
    await romeo.create_room(preset="public_chat")
    await town.rename(romeo, "Montague")
    await fill()
    assert await people(romeo, "montague") == [romeo.user_id]
    await town.rename(romeo, "Pilgrim")
    await fill()
    assert await people(romeo, "montague") == []
    assert await people(romeo, "pilgrim") == [romeo.user_id]


async def test_the_best_come_first_and_the_rest_is_told_of(town: SyncTown, fill: Fill) -> None:
    phones = [await town.phone(f"ben{number}") for number in range(4)]
    room = await phones[0].create_room(preset="public_chat")
    for phone in phones[1:]:
        await phone.do("join", room)
    await town.rename(phones[2], "ben")
    await fill()
    found = await people(phones[0], "ben")
    assert found[0] == phones[2].user_id
    assert sorted(found) == sorted(phone.user_id for phone in phones)
    for limit, limited in ((1, True), (3, True), (4, False), (0, True)):
        body = {"search_term": "ben", "limit": limit}
        answer = await phones[1].call("POST", "/user_directory/search", body)
        assert (len(answer["results"]), answer["limited"]) == (limit, limited)


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"search_term": None}, "M_MISSING_PARAM"),
        ({"search_term": ["x"]}, "M_BAD_JSON"),
        ({"search_term": "x" * 1001}, "M_INVALID_PARAM"),
        ({"search_term": "x", "limit": "1"}, "M_BAD_JSON"),
        ({"search_term": "x", "limit": -1}, "M_INVALID_PARAM"),
    ],
)
async def test_A2_a_search_for_people_that_makes_no_sense_is_refused(
    romeo: Phone, body: dict[str, Any], errcode: str
) -> None:
    with pytest.raises(MatrixRefusal) as refused:
        await romeo.call("POST", "/user_directory/search", body)
    assert (refused.value.status, refused.value.errcode) == (400, errcode)
