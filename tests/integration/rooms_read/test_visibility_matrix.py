"""Who may read what: the specification's table, over the whole path to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from homeserver.domain.shared.errors import ForbiddenError, NotFoundError
from tests.integration.rooms_read.test_messages import read
from tests.support.world import ALICE, BOB, Put, member, requester, says, visibility

if TYPE_CHECKING:
    from tests.support.world import World

INVITE, JOIN = member(BOB, "invite", ALICE), member(BOB, "join")
STORIES: dict[str, list[Put]] = {
    "never": [says(ALICE, "before")],
    "invited": [says(ALICE, "before"), INVITE, says(ALICE, "invited")],
    "joined": [
        *(says(ALICE, "before"), INVITE, says(ALICE, "invited")),
        *(JOIN, says(ALICE, "joined")),
    ],
    "left": [
        *(says(ALICE, "before"), INVITE, says(ALICE, "invited"), JOIN, says(ALICE, "joined")),
        *(member(BOB, "leave"), says(ALICE, "after")),
    ],
    "banned": [
        *(says(ALICE, "before"), INVITE, says(ALICE, "invited"), JOIN, says(ALICE, "joined")),
        *(member(BOB, "ban", ALICE), says(ALICE, "after")),
    ],
}
ALL = ["before", "invited", "joined", "after"]
SEEN: dict[str, dict[str, list[str] | None]] = {
    "world_readable": {
        "never": ALL[:1],
        "invited": ALL[:2],
        "joined": ALL[:3],
        "left": ALL,
        "banned": ALL,
    },
    "shared": {
        "never": None,
        "invited": None,
        "joined": ALL[:3],
        "left": ALL[:3],
        "banned": ALL[:3],
    },
    "invited": {
        "never": None,
        "invited": None,
        "joined": ALL[1:3],
        "left": ALL[1:3],
        "banned": ALL[1:3],
    },
    "joined": {
        "never": None,
        "invited": None,
        "joined": ALL[2:3],
        "left": ALL[2:3],
        "banned": ALL[2:3],
    },
}


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("value", SEEN)
async def test_the_table_of_history_visibility(
    world: World, value: str, story: str, cold: bool
) -> None:
    """Pages, single events and their contexts all obey it."""
    room = await world.room(visibility(value), *STORIES[story])
    if cold:
        room = await world.reload(room)
    expected = SEEN[value][story]
    for item in await world.log(room):
        body = item.event.content.get("body")
        if body is None:
            continue
        asked = (requester(BOB), room.room_id, item.event.event_id)
        if expected is not None and body in expected:
            assert (await world.event(*asked))[1].event == item.event
        else:
            with pytest.raises(NotFoundError):
                await world.event(*asked)
    if expected is None:
        with pytest.raises(ForbiddenError):
            await read(world, room, BOB, limit=100)
        with pytest.raises(ForbiddenError):
            await world.get_state.whole(requester(BOB), room.room_id)
        return
    for backwards in (True, False):
        page = await read(world, room, BOB, backwards=backwards, limit=100)
        bodies = [e.event.content["body"] for e in page.events if "body" in e.event.content]
        assert bodies == (expected[::-1] if backwards else expected)
