"""What may be related: one reaction of a kind, no threads on threads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.integration.relations.conftest import chunk, edit, react, relate, related
from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown

TWICE = (400, "M_DUPLICATE_ANNOTATION")


async def test_one_annotation_of_a_kind_by_each_user(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    said = await romeo.send(room, "a")
    await react(romeo, room, said, "👍")
    with pytest.raises(MatrixRefusal) as refusal:
        await react(romeo, room, said, "👍")
    assert (refusal.value.status, refusal.value.errcode) == TWICE
    await react(juliet, room, said, "👍")
    await react(romeo, room, said, "👎")
    await relate(romeo, room, said, "m.annotation", "org.example.mark", key="👍")
    other = await romeo.send(room, "b")
    await react(romeo, room, other, "👍")
    assert len(chunk(await related(romeo, room, f"{said}/m.annotation"))) == 4


async def test_an_annotation_taken_back_may_be_given_again(romeo: Phone, room: str) -> None:
    said = await romeo.send(room, "a")
    for _ in range(2):
        given = await react(romeo, room, said, "👍")
        await romeo.redact(room, given)
    last = await react(romeo, room, said, "👍")
    assert chunk(await related(romeo, room, said)) == [last]


async def test_B7_a_repeated_reaction_is_the_same_event(
    town: SyncTown, romeo: Phone, room: str
) -> None:
    said = await romeo.send(room, "a")
    given = await react(romeo, room, said, "👍", txn="once")
    assert await react(romeo, room, said, "👍", txn="once") == given
    await town.restart()
    assert await react(romeo, room, said, "👍", txn="once") == given
    with pytest.raises(MatrixRefusal) as refusal:
        await react(romeo, room, said, "👍", txn="another")
    assert (refusal.value.status, refusal.value.errcode) == TWICE


async def test_of_many_equal_reactions_at_once_one_is_stored(
    romeo: Phone, juliet: Phone, room: str
) -> None:
    said = await romeo.send(room, "a")
    answers = await asyncio.gather(
        *(react(romeo, room, said, "👍", txn=f"r{n}") for n in range(8)),
        *(juliet.send(room, f"{n}") for n in range(8)),
        return_exceptions=True,
    )
    given = [answer for answer in answers[:8] if isinstance(answer, str)]
    refused = [answer for answer in answers[:8] if isinstance(answer, MatrixRefusal)]
    assert len(given) == 1
    assert {(each.status, each.errcode) for each in refused} == {TWICE}
    assert len(refused) == 7
    assert all(isinstance(answer, str) for answer in answers[8:])
    assert chunk(await related(romeo, room, said)) == given


async def test_a_reaction_and_its_redaction_in_one_batch_leave_nothing(
    town: SyncTown, romeo: Phone, room: str
) -> None:
    said = await romeo.send(room, "a")
    given = await react(romeo, room, said, "👍")
    first, again = await asyncio.gather(
        romeo.redact(room, given), relate(romeo, room, said, "m.thread")
    )
    assert first
    assert chunk(await related(romeo, room, said)) == [again]


@pytest.mark.parametrize("kind", ["m.thread", "m.replace", "m.annotation", "org.example.kind"])
async def test_no_thread_begins_at_an_event_that_relates_to_another(
    romeo: Phone, room: str, kind: str
) -> None:
    said = await romeo.send(room, "a")
    child = await relate(romeo, room, said, kind, key="👍")
    with pytest.raises(MatrixRefusal) as refusal:
        await relate(romeo, room, child, "m.thread")
    assert (refusal.value.status, refusal.value.errcode) == (400, "M_UNKNOWN")


async def test_a_thread_may_begin_at_a_reply(romeo: Phone, room: str) -> None:
    said = await romeo.send(room, "a")
    content = {"body": "b", "m.relates_to": {"m.in_reply_to": {"event_id": said}}}
    path = "send/m.room.message/reply"
    reply = (await romeo.room_call("PUT", room, path, content))["event_id"]
    first = await relate(romeo, room, reply, "m.thread")
    assert chunk(await related(romeo, room, reply)) == [first]
    assert chunk(await related(romeo, room, said)) == []


async def test_edits_of_edits_are_events_like_others(romeo: Phone, room: str) -> None:
    said = await romeo.send(room, "a")
    first = await edit(romeo, room, said, "b")
    second = await edit(romeo, room, first, "c")
    assert chunk(await related(romeo, room, first)) == [second]
