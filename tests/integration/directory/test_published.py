"""The directory of published rooms, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


def listed(room: str) -> str:
    """The path of a room's visibility."""
    return f"/directory/list/room/{quote(room, safe='')}"


async def page(phone: Phone, **body: Any) -> dict[str, Any]:
    """Search the directory."""
    found: dict[str, Any] = await phone.call("POST", "/publicRooms", body)
    return found


async def names(phone: Phone, **body: Any) -> list[str]:
    """The names of the rooms found."""
    return [room["name"] for room in (await page(phone, **body))["chunk"]]


def searching(term: str, **more: Any) -> dict[str, Any]:
    """A filter by a term."""
    return {"generic_search_term": term, **more}


async def refusal(phone: Phone, method: str, path: str, body: Any = None, **query: Any) -> Any:
    """What a request is refused with."""
    with pytest.raises(MatrixRefusal) as caught:
        await phone.call(method, path, body, query)
    return caught.value.status, caught.value.errcode


async def test_a_public_room_shows_what_it_is(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(
        visibility="public",
        name="Square",
        topic="Quarrels",
        room_alias_name="square",
        creation_content={"type": "m.space"},
        initial_state=[{"type": "m.room.avatar", "content": {"url": "mxc://firn.test/square"}}],
    )
    await romeo.create_room(name="Garden")
    shown = {
        "room_id": room,
        "num_joined_members": 1,
        "join_rule": "public",
        "world_readable": False,
        "guest_can_join": False,
        "name": "Square",
        "topic": "Quarrels",
        "canonical_alias": "#square:firn.test",
        "avatar_url": "mxc://firn.test/square",
        "room_type": "m.space",
    }
    juliet.token = ""
    assert await juliet.call("GET", "/publicRooms") == {
        "chunk": [shown],
        "total_room_count_estimate": 1,
    }
    assert await juliet.call("GET", listed(room)) == {"visibility": "public"}


async def test_an_entry_follows_its_room(romeo: Phone, juliet: Phone, nurse: Phone) -> None:
    room = await romeo.create_room(visibility="public", name="Before")
    await juliet.do("join", room)
    await romeo.do("invite", room, nurse)
    await romeo.state(room, "m.room.join_rules", {"join_rule": "knock"})
    await romeo.visibility(room, "world_readable")
    await romeo.state(room, "m.room.guest_access", {"guest_access": "can_join"})
    name = await romeo.state(room, "m.room.name", {"name": "After"})
    (entry,) = (await page(juliet))["chunk"]
    assert entry == {
        "room_id": room,
        "num_joined_members": 2,
        "join_rule": "knock",
        "world_readable": True,
        "guest_can_join": True,
        "name": "After",
    }
    await nurse.do("join", room)
    await romeo.do("kick", room, juliet)
    await nurse.do("leave", room)
    await romeo.redact(room, name)
    (entry,) = (await page(juliet))["chunk"]
    assert entry["num_joined_members"] == 1
    assert "name" not in entry
    assert (await page(juliet, filter=searching("after")))["chunk"] == []


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"topic": "old"}, "old"),
        ({"topic": "old", "m.topic": {"m.text": [{"body": "plain"}]}}, "plain"),
        (
            {
                "topic": "old",
                "m.topic": {
                    "m.text": [
                        {"mimetype": "text/html", "body": "<b>x</b>"},
                        {"mimetype": "text/plain", "body": "x"},
                    ]
                },
            },
            "x",
        ),
        ({"topic": "old", "m.topic": {"m.text": [{"mimetype": "text/html", "body": "x"}]}}, None),
        ({"topic": 5}, None),
        ({"topic": "old", "m.topic": 5}, "old"),
        ({"topic": "x" * 20_000}, "x" * 4096),
    ],
)
async def test_topics_are_shown_in_plain_text(
    romeo: Phone, content: dict[str, Any], shown: str | None
) -> None:
    room = await romeo.create_room(visibility="public")
    await romeo.state(room, "m.room.topic", content)
    (entry,) = (await page(romeo))["chunk"]
    assert entry.get("topic") == shown


async def test_publishing_and_withdrawing(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat", name="Square")
    await juliet.do("join", room)
    assert await romeo.call("GET", listed(room)) == {"visibility": "private"}
    assert await romeo.call("PUT", listed(room), {}) == {}
    assert await romeo.call("PUT", listed(room), {"visibility": "public"}) == {}
    assert await romeo.call("GET", listed(room)) == {"visibility": "public"}
    assert [r["num_joined_members"] for r in (await page(romeo))["chunk"]] == [2]
    await romeo.call("PUT", listed(room), {"visibility": "private"})
    await romeo.call("PUT", listed(room), {"visibility": "private"})
    assert await page(romeo) == {"chunk": [], "total_room_count_estimate": 0}


async def test_who_may_publish(town: SyncTown, romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    forbidden = (403, "M_FORBIDDEN")
    body = {"visibility": "public"}
    assert await refusal(juliet, "PUT", listed(room), body) == forbidden
    await juliet.do("join", room)
    assert await refusal(juliet, "PUT", listed(room), body) == forbidden
    levels = (await romeo.room_call("GET", room, "state/m.room.power_levels/")) or {}
    levels["users"] = {**levels["users"], juliet.user_id: 50}
    await romeo.state(room, "m.room.power_levels", levels)
    await juliet.call("PUT", listed(room), body)
    await juliet.do("leave", room)
    assert await refusal(juliet, "PUT", listed(room), {"visibility": "private"}) == forbidden
    known = town.known[juliet.token]
    town.known[juliet.token] = type(known)(
        known.user_id, known.user_nid, known.device_id, known.device_nid, is_admin=True
    )
    await juliet.call("PUT", listed(room), {"visibility": "private"})
    assert await romeo.call("GET", listed(room)) == {"visibility": "private"}
    gone = "!gone:firn.test"
    assert await refusal(romeo, "PUT", listed(gone), body) == (404, "M_NOT_FOUND")
    assert await refusal(romeo, "GET", listed(gone)) == (404, "M_NOT_FOUND")


async def test_search_by_words_and_types(romeo: Phone) -> None:
    await romeo.create_room(visibility="public", name="Grün und 会议", room_alias_name="one")
    await romeo.create_room(visibility="public", name="100% Green_", topic="MEETING here")
    space = {"type": "m.space"}
    await romeo.create_room(visibility="public", name="Space Green", creation_content=space)
    for term, found in (
        ("green", ["Space Green", "100% Green_"]),
        ("GRÜN", ["Grün und 会议"]),
        ("会议", ["Grün und 会议"]),
        ("meet green", ["100% Green_"]),
        ("%", ["100% Green_"]),
        ("_", ["100% Green_"]),
        ("#one:", ["Grün und 会议"]),
        ("  ", ["Space Green", "100% Green_", "Grün und 会议"]),
        ("green nothing", []),
    ):
        assert sorted(await names(romeo, filter=searching(term))) == sorted(found), term
    for kinds, found in (
        (["m.space"], ["Space Green"]),
        ([None], ["100% Green_", "Grün und 会议"]),
        ([None, "m.space", "x"], ["Space Green", "100% Green_", "Grün und 会议"]),
        (["x"], []),
        ([""], []),
        ([], []),
        (None, ["Space Green", "100% Green_", "Grün und 会议"]),
    ):
        assert sorted(await names(romeo, filter={"room_types": kinds})) == sorted(found), kinds
    both = searching("green", room_types=[None])
    found_page = await page(romeo, filter=both)
    assert [room["name"] for room in found_page["chunk"]] == ["100% Green_"]
    assert found_page["total_room_count_estimate"] == 1


async def test_pages_forwards_and_backwards(romeo: Phone, juliet: Phone) -> None:
    rooms = [await romeo.create_room(visibility="public", name=f"{n}") for n in range(7)]
    await juliet.do("join", rooms[3])
    every = await names(romeo)
    assert every[0] == "3"
    assert sorted(every) == [f"{n}" for n in range(7)]
    pages: list[dict[str, Any]] = []
    since = None
    while True:
        found = await page(romeo, limit=3, since=since)
        assert found["total_room_count_estimate"] == 7
        assert ("prev_batch" in found) == bool(pages)
        pages.append(found)
        since = found.get("next_batch")
        if since is None:
            break
    assert [room["name"] for p in pages for room in p["chunk"]] == every
    assert [len(p["chunk"]) for p in pages] == [3, 3, 1]
    back = await page(romeo, limit=2, since=pages[2]["prev_batch"])
    assert [room["name"] for room in back["chunk"]] == every[4:6]
    again = await page(romeo, limit=10, since=back["next_batch"])
    assert [room["name"] for room in again["chunk"]] == every[6:]
    first = await page(romeo, limit=4, since=back["prev_batch"])
    assert [room["name"] for room in first["chunk"]] == every[:4]
    assert "prev_batch" not in first
    get = await romeo.call("GET", "/publicRooms", query={"limit": 3, "since": since})
    assert [room["name"] for room in get["chunk"]] == every[:3]


async def test_a_page_costs_two_statements_and_loads_no_room(town: SyncTown, romeo: Phone) -> None:
    for number in range(5):
        await romeo.create_room(visibility="public", name=f"{number}")
    await town.restart()
    town.counter.count = 0
    assert len(await names(romeo)) == 5
    assert town.counter.count == 2


async def test_a_message_or_an_ordinary_room_s_profile_change_writes_nothing_here(
    town: SyncTown, romeo: Phone
) -> None:
    room = await romeo.create_room(visibility="public", name="Square")
    before = await town.store.dump("published_room")
    await romeo.send(room, "hello")
    await town.rename(romeo, "Romeo Montague")
    assert await town.store.dump("published_room") == before


@pytest.mark.parametrize(
    ("method", "query", "body", "refused"),
    [
        ("GET", {"server": "other.test"}, None, (404, "M_NOT_FOUND")),
        ("GET", {"since": "nonsense"}, None, (400, "M_INVALID_PARAM")),
        ("GET", {"since": "MWYgMSAhbm9uZTphLmI"}, None, (400, "M_INVALID_PARAM")),
        ("GET", {"limit": "x"}, None, (400, "M_INVALID_PARAM")),
        ("GET", {"limit": 0}, None, (400, "M_INVALID_PARAM")),
        ("POST", {"server": "other.test"}, {}, (404, "M_NOT_FOUND")),
        ("POST", {}, [], (400, "M_BAD_JSON")),
        ("POST", {}, {"limit": "1"}, (400, "M_BAD_JSON")),
        ("POST", {}, {"limit": 0}, (400, "M_INVALID_PARAM")),
        ("POST", {}, {"since": "\0"}, (400, "M_INVALID_PARAM")),
        ("POST", {}, {"filter": []}, (400, "M_BAD_JSON")),
        ("POST", {}, {"filter": {"room_types": "m.space"}}, (400, "M_BAD_JSON")),
        ("POST", {}, {"filter": {"room_types": [5]}}, (400, "M_BAD_JSON")),
        ("POST", {}, {"filter": {"room_types": ["x"] * 40 + [None]}}, None),
        (
            "POST",
            {},
            {"filter": {"room_types": [f"{n}" for n in range(40)]}},
            (400, "M_INVALID_PARAM"),
        ),
        ("POST", {}, {"filter": {"generic_search_term": 5}}, (400, "M_BAD_JSON")),
        (
            "POST",
            {},
            {"filter": {"generic_search_term": " ".join(map(str, range(40)))}},
            (400, "M_INVALID_PARAM"),
        ),
        (
            "POST",
            {},
            {"include_all_networks": True, "third_party_instance_id": "irc"},
            (400, "M_INVALID_PARAM"),
        ),
    ],
)
async def test_bad_requests(
    romeo: Phone, method: str, query: dict[str, Any], body: Any, refused: Any
) -> None:
    if refused is None:
        await romeo.call(method, "/publicRooms", body, query)
    else:
        assert await refusal(romeo, method, "/publicRooms", body, **query) == refused


async def test_other_networks_have_no_rooms_here(romeo: Phone) -> None:
    await romeo.create_room(visibility="public")
    assert (await page(romeo, third_party_instance_id="irc"))["chunk"] == []
    assert len((await page(romeo, include_all_networks=True))["chunk"]) == 1
    assert len((await romeo.call("GET", "/publicRooms", None, {"server": "firn.test"}))["chunk"])


async def test_a_bad_visibility_changes_nothing(romeo: Phone) -> None:
    room = await romeo.create_room()
    invalid = (400, "M_INVALID_PARAM")
    assert await refusal(romeo, "PUT", listed(room), {"visibility": "x"}) == invalid
    assert await refusal(romeo, "PUT", listed(room), {"visibility": 5}) == (400, "M_BAD_JSON")
    assert await romeo.call("GET", listed(room)) == {"visibility": "private"}
