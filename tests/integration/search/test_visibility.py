"""A search finds what /messages shows, whatever the membership and the history visibility."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.search.conftest import hits, search
from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.integration.search.conftest import Fill
    from tests.support.syncing import Phone

JOINED_ONCE = ("joined", "left", "kicked", "banned", "rejoined")


async def shown(phone: Phone, room: str) -> list[str]:
    """The texts that /messages shows, newest first; none where it is refused."""
    try:
        page = await phone.room_call("GET", room, "messages", dir="b", limit=100)
    except MatrixRefusal as refusal:
        if refusal.status != 403:
            raise
        return []
    found = (event["content"].get("body") for event in page["chunk"])
    return [body for body in found if body]


async def become(romeo: Phone, juliet: Phone, room: str, membership: str) -> None:
    """Take the steps to a membership, with words between them."""
    if membership == "knocked":
        await romeo.state(room, "m.room.join_rules", {"join_rule": "knock"})
        await juliet.call("POST", f"/knock/{room}", {})
    if membership in ("invited", *JOINED_ONCE):
        await romeo.do("invite", room, juliet)
        await romeo.send(room, "word two")
    if membership in JOINED_ONCE:
        await juliet.do("join", room)
        await romeo.send(room, "word three")
    if membership == "left":
        await juliet.do("leave", room)
    if membership in ("kicked", "banned", "rejoined"):
        await romeo.do("ban" if membership == "banned" else "kick", room, juliet)
    if membership == "rejoined":
        await romeo.send(room, "word unheard")
        await romeo.do("invite", room, juliet)
        await juliet.do("join", room)


@pytest.mark.parametrize("visibility", ["invited", "joined", "shared", "world_readable"])
@pytest.mark.parametrize("membership", ["never", "invited", "knocked", *JOINED_ONCE])
async def test_D8_a_search_finds_what_messages_show(
    romeo: Phone, juliet: Phone, fill: Fill, membership: str, visibility: str
) -> None:
    room = await romeo.create_room()
    await romeo.visibility(room, visibility)
    await romeo.send(room, "word one")
    await become(romeo, juliet, room, membership)
    await romeo.send(room, "word last")
    await fill()
    expected = await shown(juliet, room)
    if membership in JOINED_ONCE:
        assert "word three" in expected
    wanted = {"rooms": [room], "limit": 100}
    assert await hits(juliet, "word", filter=wanted) == expected
    assert (await search(juliet, "word", filter=wanted))["count"] == len(expected)
    assert await hits(juliet, "word") == (expected if membership in JOINED_ONCE else [])
