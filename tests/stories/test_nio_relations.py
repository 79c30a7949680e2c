"""A foreign client edits, reacts and threads: matrix-nio, through a restart of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from nio import (
    Event,
    RoomGetEventResponse,
    RoomRedactResponse,
    RoomSendError,
    RoomSendResponse,
)
from nio.api import RelationshipType, ThreadInclusion

from tests.support.phones import NioPhone
from tests.support.server import running_firn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.server import FirnProcess


@pytest.fixture
async def firn(tmp_path: Path, store_url: str) -> AsyncIterator[FirnProcess]:
    """A server on each store."""
    async with running_firn(tmp_path, store_url) as process:
        yield process


async def relate(phone: NioPhone, room: str, parent: str, rel_type: str, **more: Any) -> Any:
    """Send an event that relates to another; nio's answer."""
    relation = {"rel_type": rel_type, "event_id": parent}
    kind = "m.room.message"
    if rel_type == "m.annotation":
        relation["key"], kind = "👍", "m.reaction"
    content = {"msgtype": "m.text", "body": "child", **more, "m.relates_to": relation}
    return await phone.client.room_send(room, kind, content)


async def sent(phone: NioPhone, room: str, parent: str, rel_type: str, **more: Any) -> str:
    """The id of one that is taken."""
    answer = await relate(phone, room, parent, rel_type, **more)
    assert isinstance(answer, RoomSendResponse), answer
    return str(answer.event_id)


async def relations(phone: NioPhone, room: str, event_id: str) -> Any:
    """What is bundled with an event."""
    answer = await phone.client.room_get_event(room, event_id)
    assert isinstance(answer, RoomGetEventResponse), answer
    assert isinstance(answer.event, Event)
    return answer.event.source["unsigned"].get("m.relations", {})


@pytest.mark.timeout(120)
async def test_edits_reactions_and_threads(firn: FirnProcess) -> None:
    romeo, juliet = NioPhone(firn.base, "romeo"), NioPhone(firn.base, "juliet")
    try:
        for phone in (romeo, juliet):
            await phone.register()
        room = await romeo.create_room(juliet.user_id)
        await juliet.join(room)
        root = await romeo.say(room, "root")
        replies = [await sent(juliet, room, root, "m.thread") for _ in range(5)]
        liked = await sent(juliet, room, root, "m.annotation")
        again = await relate(juliet, room, root, "m.annotation")
        assert isinstance(again, RoomSendError)
        assert again.status_code == "M_DUPLICATE_ANNOTATION"
        new = {"m.new_content": {"msgtype": "m.text", "body": "new"}}
        edit = await sent(romeo, room, root, "m.replace", **new)
        await firn.restart()
        for phone in (romeo, juliet):
            await phone.move(firn.base)
            told = await relations(phone, room, root)
            assert told["m.thread"]["count"] == 5
            assert told["m.thread"]["latest_event"]["event_id"] == replies[-1]
            assert told["m.replace"]["event_id"] == edit
        kind = RelationshipType.thread
        found = juliet.client.room_get_event_relations(room, root, kind, limit=2)
        assert [event.event_id async for event in found] == replies[::-1]
        found = juliet.client.room_get_event_relations(room, root, limit=2)
        assert [event.event_id async for event in found] == [edit, liked, *replies[::-1]]
        mine = juliet.client.room_get_threads(room, ThreadInclusion.participated)
        assert [event.event_id async for event in mine] == [root]
        answer = await juliet.client.room_redact(room, replies[-1])
        assert isinstance(answer, RoomRedactResponse), answer
        assert (await relations(romeo, room, root))["m.thread"]["count"] == 4
    finally:
        for phone in (romeo, juliet):
            await phone.close()
