"""`/relations` and `/threads`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.relations.conftest import (
    bundled,
    chunk,
    edit,
    react,
    relate,
    related,
    threads,
)
from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


async def test_children_by_kind_and_type_newest_first(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    said = await romeo.send(room, "a")
    one = await relate(juliet, room, said, "m.thread")
    two = await react(juliet, room, said, "👍")
    three = await relate(juliet, room, said, "m.thread", "m.sticker")
    await relate(juliet, room, one, "m.reference")
    assert chunk(await related(romeo, room, said)) == [three, two, one]
    assert chunk(await related(romeo, room, f"{said}/m.thread")) == [three, one]
    assert chunk(await related(romeo, room, f"{said}/m.thread/m.sticker")) == [three]
    assert chunk(await related(romeo, room, f"{said}/m.annotation/m.reaction")) == [two]
    assert await related(romeo, room, f"{said}/org.none") == {"chunk": []}
    forward = await related(romeo, room, said, dir="f")
    assert chunk(forward) == [one, two, three]
    assert forward["chunk"][0]["room_id"] == room


async def test_children_have_their_own_bundles(romeo: Phone, juliet: Phone, room: str) -> None:
    said = await romeo.send(room, "a")
    reply = await relate(juliet, room, said, "m.thread")
    last = await edit(juliet, room, reply, "b")
    page = await related(romeo, room, f"{said}/m.thread")
    told = page["chunk"][0]["unsigned"]["m.relations"]
    assert told["m.replace"]["event_id"] == last


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("direction", ["b", "f"])
async def test_pages_have_no_gap_and_no_repeat(
    town: SyncTown, romeo: Phone, room: str, direction: str, cold: bool
) -> None:
    said = await romeo.send(room, "a")
    sent = []
    for n in range(7):
        sent.append(await relate(romeo, room, said, "m.thread", body=f"{n}"))
        await romeo.send(room, "between")
    if cold:
        for n in range(60):
            await romeo.send(room, f"{n}")
        await town.restart()
    found: list[str] = []
    page = await related(romeo, room, said, limit=3, dir=direction)
    assert "prev_batch" not in page
    found += chunk(page)
    start = None
    while "next_batch" in page:
        start = page["next_batch"]
        page = await related(
            romeo, room, said, limit=3, dir=direction, **{"from": page["next_batch"]}
        )
        assert page["prev_batch"] == start
        found += chunk(page)
    assert found == (sent if direction == "f" else sent[::-1])
    back = await related(
        romeo,
        room,
        said,
        limit=100,
        dir="b" if direction == "f" else "f",
        **{"from": page["prev_batch"]},
    )
    assert chunk(back) == found[:-1][::-1]


async def test_tokens_of_sync_and_messages_are_taken(romeo: Phone, room: str) -> None:
    said = await romeo.send(room, "a")
    one = await relate(romeo, room, said, "m.thread")
    token = (await romeo.fresh())["next_batch"]
    middle = (await romeo.room_call("GET", room, "messages", dir="b"))["start"]
    two = await relate(romeo, room, said, "m.thread")
    for text in (token, middle):
        assert chunk(await related(romeo, room, said, **{"from": text})) == [one]
        assert chunk(await related(romeo, room, said, to=text)) == [two]
        assert chunk(await related(romeo, room, said, dir="f", to=text)) == [one]
        assert chunk(await related(romeo, room, said, dir="f", **{"from": text})) == [two]
    assert chunk(await related(romeo, room, said, to=token, **{"from": token})) == []


@pytest.mark.parametrize("number", [10**17, 10**18 - 1])
async def test_tokens_from_beyond_the_log_are_bounds_like_others(
    romeo: Phone, room: str, number: int
) -> None:
    said = await romeo.send(room, "a")
    one = await relate(romeo, room, said, "m.thread")
    far, behind = f"t1_{number}-0a", f"t1_1-{number}b"
    assert chunk(await related(romeo, room, said, to=behind, **{"from": far})) == [one]
    assert chunk(await related(romeo, room, said, dir="f", **{"from": far})) == []
    assert chunk(await threads(romeo, room, **{"from": far})) == [said]
    assert chunk(await threads(romeo, room, **{"from": behind})) == []


async def test_recurse_goes_three_steps_and_filters_each(romeo: Phone, room: str) -> None:
    root = await romeo.send(room, "a")
    one = await relate(romeo, room, root, "m.thread")
    two = await relate(romeo, room, one, "m.reference")
    three = await relate(romeo, room, two, "m.reference")
    await relate(romeo, room, three, "m.reference")
    side = await relate(romeo, room, root, "m.reference")
    page = await related(romeo, room, root, recurse="true")
    assert chunk(page) == [side, three, two, one]
    assert page["recursion_depth"] == 3
    only = await related(romeo, room, f"{root}/m.reference", recurse="true")
    assert chunk(only) == [side]
    first = await related(romeo, room, root, recurse="true", limit=2)
    rest = await related(romeo, room, root, recurse="true", **{"from": first["next_batch"]})
    assert (chunk(first), chunk(rest)) == ([side, three], [two, one])
    plain = await related(romeo, room, root, recurse="false")
    assert (chunk(plain), plain["recursion_depth"]) == ([side, one], 1)
    assert "recursion_depth" not in await related(romeo, room, root)


async def test_redacted_children_are_gone_and_those_of_a_redacted_parent_stay(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    said = await romeo.send(room, "a")
    one = await relate(juliet, room, said, "m.thread")
    two = await relate(juliet, room, said, "m.thread")
    await juliet.redact(room, two)
    assert chunk(await related(romeo, room, said)) == [one]
    await romeo.redact(room, said)
    assert chunk(await related(romeo, room, said)) == [one]


async def test_ignored_users_are_left_out(romeo: Phone, juliet: Phone, room: str) -> None:
    said = await romeo.send(room, "a")
    await relate(juliet, room, said, "m.thread")
    own = await relate(romeo, room, said, "m.thread")
    await romeo.keep("m.ignored_user_list", {"ignored_users": {juliet.user_id: {}}})
    assert chunk(await related(romeo, room, said)) == [own]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": "nonsense"}, "M_INVALID_PARAM"),
        ({"to": "nonsense"}, "M_INVALID_PARAM"),
        ({"dir": "x"}, "M_INVALID_PARAM"),
        ({"limit": "many"}, "M_INVALID_PARAM"),
        ({"limit": "0"}, "M_INVALID_PARAM"),
        ({"limit": "-1"}, "M_INVALID_PARAM"),
        ({"recurse": "maybe"}, "M_INVALID_PARAM"),
    ],
)
async def test_bad_parameters(romeo: Phone, room: str, query: dict[str, Any], code: str) -> None:
    said = await romeo.send(room, "a")
    with pytest.raises(MatrixRefusal) as refusal:
        await related(romeo, room, said, **query)
    assert (refusal.value.status, refusal.value.errcode) == (400, code)


@pytest.mark.parametrize("parent", ["$" + "A" * 43, "nonsense", "$" + "é" * 20])
async def test_A7_relations_of_what_is_not_there(romeo: Phone, room: str, parent: str) -> None:
    with pytest.raises(MatrixRefusal) as refusal:
        await related(romeo, room, parent)
    assert (refusal.value.status, refusal.value.errcode) == (404, "M_NOT_FOUND")


async def test_threads_by_their_newest_replies(romeo: Phone, juliet: Phone, room: str) -> None:
    roots = [await romeo.send(room, f"{n}") for n in range(3)]
    for root in roots:
        await relate(juliet, room, root, "m.thread")
    last = await relate(juliet, room, roots[0], "m.thread")
    found = await threads(romeo, room)
    assert chunk(found) == [roots[0], roots[2], roots[1]]
    assert "next_batch" not in found
    told = found["chunk"][0]["unsigned"]["m.relations"]["m.thread"]
    assert (told["count"], told["latest_event"]["event_id"]) == (2, last)
    await juliet.redact(room, last)
    assert chunk(await threads(romeo, room)) == [roots[2], roots[1], roots[0]]


@pytest.mark.parametrize("cold", [False, True])
async def test_threads_in_pages(town: SyncTown, romeo: Phone, room: str, cold: bool) -> None:
    roots = [await romeo.send(room, f"{n}") for n in range(5)]
    for root in roots * 2:
        await relate(romeo, room, root, "m.thread")
    if cold:
        for n in range(60):
            await romeo.send(room, f"{n}")
        await town.restart()
    found: list[str] = []
    page: dict[str, Any] = {"next_batch": None}
    while "next_batch" in page:
        page = await threads(romeo, room, limit=2, **{"from": page["next_batch"]})
        assert len(chunk(page)) <= 2
        found += chunk(page)
    assert found == roots[::-1]


async def test_threads_that_somebody_takes_part_in(romeo: Phone, juliet: Phone, room: str) -> None:
    his, hers, both = [await who.send(room, "x") for who in (romeo, juliet, romeo)]
    await relate(romeo, room, his, "m.thread")
    await relate(juliet, room, hers, "m.thread")
    await relate(juliet, room, both, "m.thread")
    assert chunk(await threads(juliet, room, include="participated")) == [both, hers]
    assert chunk(await threads(romeo, room, include="participated")) == [both, his]
    assert chunk(await threads(romeo, room, include="all")) == [both, hers, his]


async def test_a_root_of_an_ignored_user_is_shown_stripped(
    romeo: Phone, juliet: Phone, nurse: Phone, room: str
) -> None:
    await nurse.do("join", room)
    root = await juliet.send(room, "secret")
    silent = await romeo.send(room, "nobody replied that he wants to hear")
    reply = await relate(nurse, room, root, "m.thread")
    await relate(juliet, room, silent, "m.thread")
    await romeo.keep("m.ignored_user_list", {"ignored_users": {juliet.user_id: {}}})
    found = await threads(romeo, room)
    assert chunk(found) == [root]
    assert found["chunk"][0]["content"] == {}
    told = found["chunk"][0]["unsigned"]["m.relations"]["m.thread"]
    assert told["latest_event"]["event_id"] == reply


@pytest.mark.parametrize(
    "query", [{"from": "nonsense"}, {"include": "some"}, {"limit": "0"}, {"limit": "x"}]
)
async def test_bad_parameters_of_threads(romeo: Phone, room: str, query: dict[str, Any]) -> None:
    with pytest.raises(MatrixRefusal) as refusal:
        await threads(romeo, room, **query)
    assert (refusal.value.status, refusal.value.errcode) == (400, "M_INVALID_PARAM")


STEPS = ("never", "invited", "joined", "left", "banned")
SEEN: dict[str, dict[str, int | None]] = {
    "world_readable": {"never": 1, "invited": 2, "joined": 3, "left": 4, "banned": 4},
    "shared": {"never": None, "invited": None, "joined": 3, "left": 3, "banned": 3},
    "invited": {"never": None, "invited": None, "joined": 2, "left": 2, "banned": 2},
    "joined": {"never": None, "invited": None, "joined": 1, "left": 1, "banned": 1},
}
"""How many of a thread's replies are seen; None: not even the room."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("visibility", SEEN)
async def test_D8_relations_and_threads_obey_the_history_visibility(
    romeo: Phone, nurse: Phone, room: str, visibility: str, step: str
) -> None:
    """The root is readable for all; a reply each while nurse was out, invited, in, and out."""
    await romeo.visibility(room, "world_readable")
    root = await romeo.send(room, "root")
    await romeo.visibility(room, visibility)
    replies = [await relate(romeo, room, root, "m.thread")]
    if step != "never":
        await romeo.do("invite", room, nurse)
        replies.append(await relate(romeo, room, root, "m.thread"))
    if step in {"joined", "left", "banned"}:
        await nurse.do("join", room)
        replies.append(await relate(romeo, room, root, "m.thread"))
    if step == "left":
        await nurse.do("leave", room)
    elif step == "banned":
        await romeo.do("ban", room, nurse)
    if step in {"left", "banned"}:
        replies.append(await relate(romeo, room, root, "m.thread"))
    count = SEEN[visibility][step]
    if count is None:
        for asked, status in ((related(nurse, room, root), 404), (threads(nurse, room), 403)):
            with pytest.raises(MatrixRefusal) as refusal:
                await asked
            assert refusal.value.status == status
        return
    last = 4 if count == 4 else min(len(replies), 3)
    shown = replies[last - count : last]
    assert chunk(await related(nurse, room, root)) == shown[::-1]
    told = (await bundled(nurse, room, root))["m.thread"]
    assert (told["count"], told["latest_event"]["event_id"]) == (count, shown[-1])
    page = await threads(nurse, room)
    assert chunk(page) == [root]
    assert page["chunk"][0]["unsigned"]["m.relations"]["m.thread"]["count"] == count


async def test_D8_a_parent_that_may_not_be_seen_is_not_found(
    romeo: Phone, nurse: Phone, room: str
) -> None:
    await romeo.visibility(room, "joined")
    root = await romeo.send(room, "root")
    await nurse.do("join", room)
    await relate(romeo, room, root, "m.thread")
    with pytest.raises(MatrixRefusal) as refusal:
        await related(nurse, room, root)
    assert (refusal.value.status, refusal.value.errcode) == (404, "M_NOT_FOUND")
    assert chunk(await threads(nurse, room)) == []
