"""`POST /search`: what is found, in which order, with what around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.search.conftest import hits, search
from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.integration.search.conftest import Fill
    from tests.support.syncing import Phone


async def talk(phone: Phone, room: str, *texts: str) -> list[str]:
    """Say these, and give the event ids."""
    return [await phone.send(room, text) for text in texts]


async def test_a_result_is_the_event_with_its_rank(romeo: Phone, fill: Fill) -> None:
    room = await romeo.create_room(name="The garden")
    (event,) = await talk(romeo, room, "meet me in the garden")
    await fill()
    found = await search(romeo, "meet garden", keys=["content.body"])
    assert (found["count"], found["highlights"]) == (1, ["meet", "garden"])
    assert set(found) == {"count", "highlights", "results"}
    (result,) = found["results"]
    assert result["rank"] > 0
    assert result["result"]["event_id"] == event
    assert result["result"]["room_id"] == room
    assert result["result"]["content"]["body"] == "meet me in the garden"
    assert result["result"]["sender"] == romeo.user_id
    assert await hits(romeo, "garden") == ["meet me in the garden", "The garden"]
    assert await hits(romeo, "garden", keys=["content.name"]) == ["The garden"]
    assert await hits(romeo, "garden", keys=["content.topic"]) == []
    assert await hits(romeo, "garden", keys=[]) == []


LONG = "rose " + " ".join(f"and{n}" for n in range(40))
ROSES = ("rose", LONG, "a rose is a rose", "roses are red")


async def test_the_best_come_first(romeo: Phone, fill: Fill) -> None:
    room = await romeo.create_room()
    await talk(romeo, room, "violets", *ROSES)
    await fill()
    results = (await search(romeo, "rose", order_by="rank"))["results"]
    ranks = [result["rank"] for result in results]
    assert ranks == sorted(ranks, reverse=True)
    found = [result["result"]["content"]["body"] for result in results]
    assert found == ["a rose is a rose", "rose", "roses are red", LONG]
    assert await hits(romeo, "rose") == list(reversed(ROSES))


@pytest.mark.parametrize("order", ["rank", "recent"])
async def test_pages_go_through_all_whatever_comes_meanwhile(
    romeo: Phone, fill: Fill, order: str
) -> None:
    room = await romeo.create_room()
    await talk(romeo, room, *ROSES)
    await fill()
    whole = await hits(romeo, "rose", order_by=order)
    pages: list[str] = []
    token: str | None = None
    while len(pages) < len(ROSES):
        page = await search(romeo, "rose", token, order_by=order, filter={"limit": 1})
        assert page["count"] == len(ROSES)
        pages += [result["result"]["content"]["body"] for result in page["results"]]
        token = page.get("next_batch")
        await talk(romeo, room, "a late rose")
        await fill()
    assert pages == whole
    assert token is None


async def test_filters_leave_out_rooms_senders_and_types(
    romeo: Phone, juliet: Phone, fill: Fill
) -> None:
    first = await romeo.create_room(preset="public_chat", topic="word of the day")
    second = await romeo.create_room()
    await juliet.do("join", first)
    await talk(romeo, first, "word one")
    await talk(juliet, first, "word two")
    await talk(romeo, second, "word three")
    await romeo.send(first, msgtype="m.image", body="word.png", url="mxc://firn.test/a")
    await fill()

    async def kept(**chosen: Any) -> set[str]:
        return set(await hits(romeo, "word", filter=chosen))

    everything = {"word of the day", "word one", "word two", "word three", "word.png"}
    assert await kept() == everything
    assert await kept(rooms=[second]) == {"word three"}
    assert await kept(rooms=[]) == set()
    assert await kept(not_rooms=[first]) == {"word three"}
    assert await kept(rooms=[second, "!nowhere:firn.test", "!odd"]) == {"word three"}
    assert await kept(senders=[juliet.user_id]) == {"word two"}
    assert await kept(not_senders=[romeo.user_id]) == {"word two"}
    assert await kept(types=["m.room.to*"]) == {"word of the day"}
    assert await kept(not_types=["m.room.topic"]) == everything - {"word of the day"}
    assert await kept(contains_url=True) == {"word.png"}
    assert len(await kept(limit=2)) == 2


async def test_context_state_groups_and_profiles(romeo: Phone, juliet: Phone, fill: Fill) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    events = await talk(romeo, room, "one", "two")
    events += await talk(juliet, room, "needle")
    events += await talk(romeo, room, "four", "five", "another needle")
    await fill()
    wanted: dict[str, Any] = {
        "event_context": {"before_limit": 2, "after_limit": 1, "include_profile": True},
        "include_state": True,
        "groupings": {"group_by": [{"key": "room_id"}, {"key": "sender"}]},
    }
    found = await search(romeo, "needle", **wanted)
    context = found["results"][1]["context"]
    assert [e["event_id"] for e in context["events_before"]] == [events[1], events[0]]
    assert [e["event_id"] for e in context["events_after"]] == [events[3]]
    assert set(context["profile_info"]) == {romeo.user_id, juliet.user_id}
    older = await romeo.room_call("GET", room, "messages", dir="b", **{"from": context["start"]})
    assert all(event["event_id"] not in events for event in older["chunk"])
    newer = await romeo.room_call("GET", room, "messages", dir="f", **{"from": context["end"]})
    assert [event["event_id"] for event in newer["chunk"]] == events[4:]
    state = {(e["type"], e["state_key"]) for e in found["state"][room]}
    assert {("m.room.create", ""), ("m.room.member", juliet.user_id)} <= state
    assert found["groups"] == {
        "room_id": {room: {"order": 1, "results": [events[5], events[2]]}},
        "sender": {
            romeo.user_id: {"order": 1, "results": [events[5]]},
            juliet.user_id: {"order": 2, "results": [events[2]]},
        },
    }
    plain = (await search(romeo, "needle", event_context={}))["results"][1]["context"]
    assert len(plain["events_before"]) == 5
    assert len(plain["events_after"]) == 3
    assert "profile_info" not in plain


@pytest.mark.parametrize("how", ["leave", "kick", "ban"])
async def test_a_room_that_was_left_is_searched_up_to_the_leave(
    romeo: Phone, juliet: Phone, fill: Fill, how: str
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await romeo.visibility(room, "joined")
    await talk(romeo, room, "secret before")
    await juliet.do("join", room)
    await talk(romeo, room, "secret while")
    if how == "leave":
        await juliet.do("leave", room)
    else:
        await romeo.do(how, room, juliet)
    await talk(romeo, room, "secret after")
    await fill()
    assert await hits(juliet, "secret") == ["secret while"]
    assert (await search(juliet, "secret"))["count"] == 1
    assert await hits(romeo, "secret") == ["secret after", "secret while", "secret before"]
    if how == "leave":
        await juliet.do("forget", room)
        assert await hits(juliet, "secret") == []


async def test_nobody_finds_what_they_may_not_read(
    romeo: Phone, juliet: Phone, nurse: Phone, fill: Fill
) -> None:
    room = await romeo.create_room(invite=[juliet.user_id])
    await talk(romeo, room, "private word")
    await fill()
    assert await hits(juliet, "private") == []  # invited only
    assert await hits(nurse, "private", filter={"rooms": [room]}) == []
    await romeo.visibility(room, "world_readable")
    await talk(romeo, room, "private no more")
    await fill()
    assert await hits(nurse, "private") == []
    assert await hits(nurse, "private", filter={"rooms": [room]}) == ["private no more"]


async def test_encrypted_rooms_and_ignored_users_are_left_out(
    romeo: Phone, juliet: Phone, fill: Fill
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await talk(juliet, room, "noise")
    await talk(romeo, room, "a noise")
    await fill()
    await romeo.keep("m.ignored_user_list", {"ignored_users": {juliet.user_id: {}}})
    assert await hits(romeo, "noise") == ["a noise"]
    assert await hits(juliet, "noise") == ["a noise", "noise"]
    await romeo.state(room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    assert await hits(juliet, "noise") == []


async def test_what_ignored_users_said_is_not_around_a_hit_either(
    romeo: Phone, juliet: Phone, fill: Fill
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await romeo.state(room, "m.room.power_levels", {"users": {juliet.user_id: 50}})
    await talk(juliet, room, "before")
    await juliet.topic(room, "a lark")
    await talk(romeo, room, "lark")
    await talk(juliet, room, "after")
    await fill()
    await romeo.keep("m.ignored_user_list", {"ignored_users": {juliet.user_id: {}}})
    found = await search(romeo, "lark", event_context={"before_limit": 1, "after_limit": 1})
    assert found["count"] == 2  # the topic is state, which is told whoever set it
    around = found["results"][0]["context"]
    assert [e["type"] for e in around["events_before"]] == ["m.room.topic"]
    assert around["events_after"] == []


async def test_what_is_redacted_is_gone_before_the_index_knows(romeo: Phone, fill: Fill) -> None:
    room = await romeo.create_room()
    event, _ = await talk(romeo, room, "oops", "oops again")
    await fill()
    await romeo.redact(room, event)
    assert await hits(romeo, "oops") == ["oops again"]
    await fill()
    assert (await search(romeo, "oops"))["count"] == 1


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"search_categories": 1}, "M_BAD_JSON"),
        ({"room_events": []}, "M_BAD_JSON"),
        ({"room_events": {}}, "M_MISSING_PARAM"),
        ({"room_events": {"search_term": 5}}, "M_BAD_JSON"),
        ({"room_events": {"search_term": "x" * 1001}}, "M_INVALID_PARAM"),
        ({"room_events": {"search_term": "x", "keys": "content.body"}}, "M_BAD_JSON"),
        ({"room_events": {"search_term": "x", "keys": [1]}}, "M_BAD_JSON"),
        ({"room_events": {"search_term": "x", "keys": ["content.url"]}}, "M_INVALID_PARAM"),
        ({"room_events": {"search_term": "x", "order_by": "size"}}, "M_INVALID_PARAM"),
        ({"room_events": {"search_term": "x", "order_by": 1}}, "M_BAD_JSON"),
        ({"room_events": {"search_term": "x", "filter": {"limit": -1}}}, "M_INVALID_PARAM"),
        ({"room_events": {"search_term": "x", "filter": {"senders": ["x"]}}}, "M_INVALID_PARAM"),
        ({"room_events": {"search_term": "x", "filter": [1]}}, "M_BAD_JSON"),
        (
            {"room_events": {"search_term": "x", "event_context": {"before_limit": "1"}}},
            "M_BAD_JSON",
        ),
        (
            {"room_events": {"search_term": "x", "event_context": {"after_limit": -1}}},
            "M_INVALID_PARAM",
        ),
        ({"room_events": {"search_term": "x", "include_state": 1}}, "M_BAD_JSON"),
        ({"room_events": {"search_term": "x", "groupings": {"group_by": [1]}}}, "M_BAD_JSON"),
        ({"room_events": {"search_term": "x", "groupings": {"group_by": [{}]}}}, "M_MISSING_PARAM"),
        (
            {"room_events": {"search_term": "x", "groupings": {"group_by": [{"key": "type"}]}}},
            "M_INVALID_PARAM",
        ),
    ],
)
async def test_A2_a_search_that_makes_no_sense_is_refused(
    romeo: Phone, body: dict[str, Any], errcode: str
) -> None:
    whole = body if not body or "search_categories" in body else {"search_categories": body}
    with pytest.raises(MatrixRefusal) as refused:
        await romeo.call("POST", "/search", whole)
    assert (refused.value.status, refused.value.errcode) == (400, errcode)


async def test_A2_tokens_of_pages_are_checked(romeo: Phone) -> None:
    for token in ("x", "s1r_1_1", "s1n_1_1", "s1n_1_1_01", "s1n_9999999999999999999_1_1"):
        with pytest.raises(MatrixRefusal) as refused:
            await search(romeo, "word", token)
        assert (refused.value.status, refused.value.errcode) == (400, "M_INVALID_PARAM")
    assert (await search(romeo, "word", "s1n_1_1_7"))["results"] == []


async def test_other_categories_are_ignored_and_nothing_is_found_by_nothing(romeo: Phone) -> None:
    answer = await romeo.call("POST", "/search", {"search_categories": {"users": {}}})
    assert answer == {"search_categories": {}}
    for term in ("", "  ", "!?", "\u0301"):
        found = await search(romeo, term)
        assert found == {"count": 0, "highlights": [], "results": []}
    assert (await romeo.call("POST", "/_matrix/client/r0/search", {"search_categories": {}})) == {
        "search_categories": {}
    }


async def test_bodies_that_are_not_what_they_should_be_stop_nothing(
    romeo: Phone, fill: Fill
) -> None:
    room = await romeo.create_room()
    odd: list[Any] = [
        1,
        None,
        {"a": 1},
        ["x"],
        "",
        "\u0000",
        "\ud83d\ude00" * 3000,
        "e\u0301" * 9000,
    ]
    for body in odd:
        await romeo.send(room, msgtype="m.text", body=body)
    replace = {"rel_type": "m.replace"}
    relations: list[Any] = [1, [], replace, {**replace, "event_id": "$x"}]
    for relation in relations:
        content: dict[str, Any] = {"msgtype": "m.text", "body": "related"}
        await romeo.send(room, **content, **{"m.relates_to": relation})
    await romeo.state(room, "m.room.topic", {"topic": 1, "m.topic": {"m.text": [1, {"body": 2}]}})
    await romeo.state(room, "m.room.name", {"name": ["no"]})
    await talk(romeo, room, "and on")
    await fill()
    assert await hits(romeo, "and on") == ["and on"]
    assert await hits(romeo, "related") == ["related"] * 4
    assert len(await hits(romeo, "😀")) == 1


async def test_what_relates_to_results_and_their_neighbours_is_told(
    romeo: Phone, fill: Fill
) -> None:
    room = await romeo.create_room()
    first, second = await talk(romeo, room, "wherefore", "art thou")
    for parent in (first, second):
        content: dict[str, Any] = {"msgtype": "m.text", "body": "see"}
        content["m.relates_to"] = {"rel_type": "m.reference", "event_id": parent}
        await romeo.send(room, **content)
    await fill()
    for context in (None, {"before_limit": 0, "after_limit": 1}):
        [found] = (await search(romeo, "wherefore", event_context=context))["results"]
        [one] = found["result"]["unsigned"]["m.relations"]["m.reference"]["chunk"]
        assert one["event_id"]
    [after] = found["context"]["events_after"]
    assert after["event_id"] == second
    assert len(after["unsigned"]["m.relations"]["m.reference"]["chunk"]) == 1
