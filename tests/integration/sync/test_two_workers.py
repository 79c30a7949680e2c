"""What a reader on one worker is told of what happened on another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.cluster import open_cluster
from tests.support.syncing import ids, keyed

if TYPE_CHECKING:
    from pathlib import Path

TOPIC = ("m.room.topic", "")


@pytest.mark.parametrize("way", ["good", "lost"])
async def test_a_redaction_stands_beside_the_state_that_another_worker_stripped(
    tmp_path: Path, way: str
) -> None:
    """Whether the other worker had the room in memory, and whatever the bus brings."""
    async with open_cluster(tmp_path, "a", "b") as town:
        romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
        town.post.lose = float(way == "lost")
        room = await romeo.create_room(preset="public_chat")
        await juliet.do("join", room)
        topic = await romeo.topic(room, "secret")
        seen = await juliet.fresh(use_state_after="true")
        assert "unsigned" not in keyed(seen["rooms"]["join"][room], "state_after")[TOPIC]
        await juliet.get()
        redaction = await romeo.redact(room, topic)
        news = await juliet.get(timeout=30_000)
        assert redaction in ids(news["rooms"]["join"][room])
        for who in (romeo, juliet):
            part = (await who.fresh(use_state_after="true"))["rooms"]["join"][room]
            found = keyed(part, "state_after")[TOPIC]
            assert found["content"] == {}
            assert found["unsigned"]["redacted_because"]["event_id"] == redaction
