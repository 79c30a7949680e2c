"""`GET /mutual_rooms` (client-server API, "Mutual Rooms"; MSC2666)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.rooms import mutual_rooms
from tests.support.client import MatrixRefusal

if TYPE_CHECKING:
    from tests.support.syncing import Phone

STABLE = "/_matrix/client/v1/mutual_rooms"
UNSTABLE = "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms"


async def mutual(phone: Phone, user_id: str, path: str = STABLE, **query: Any) -> dict[str, Any]:
    """Ask."""
    found: dict[str, Any] = await phone.call("GET", path, query={"user_id": user_id, **query})
    return found


@pytest.mark.parametrize("path", [STABLE, UNSTABLE])
async def test_rooms_that_both_are_in_now(romeo: Phone, juliet: Phone, path: str) -> None:
    both, left, asked, alone = [await romeo.create_room(preset="public_chat") for _ in range(4)]
    for room in (both, left):
        await juliet.do("join", room)
    await juliet.do("leave", left)
    await romeo.do("invite", asked, juliet)
    expected = {"joined": [both], "count": 1}
    assert await mutual(juliet, romeo.user_id, path) == expected
    assert await mutual(romeo, juliet.user_id, path) == expected
    await juliet.do("join", alone)
    assert (await mutual(romeo, juliet.user_id, path))["count"] == 2


async def test_they_come_in_pages(
    romeo: Phone, juliet: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutual_rooms, "PAGE", 2)
    rooms = [await romeo.create_room(preset="public_chat") for _ in range(5)]
    for room in rooms:
        await juliet.do("join", room)
    found: list[str] = []
    query: dict[str, str] = {}
    while True:
        page = await mutual(juliet, romeo.user_id, **query)
        assert page["count"] == 5
        assert 1 <= len(page["joined"]) <= 2
        found += page["joined"]
        if "next_batch" not in page:
            break
        query = {"from": page["next_batch"]}
    assert found == rooms


async def test_who_is_not_known_shares_nothing(romeo: Phone) -> None:
    for user in ("@nobody:firn.test", "@nobody:elsewhere.test"):
        assert await mutual(romeo, user) == {"joined": [], "count": 0}


async def test_parameters_that_make_no_sense(romeo: Phone, juliet: Phone) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"user_id": None}, "M_MISSING_PARAM"),
        ({"user_id": "nonsense"}, "M_INVALID_PARAM"),
        ({"user_id": romeo.user_id}, "M_INVALID_PARAM"),
        ({"user_id": juliet.user_id, "from": "nonsense"}, "M_INVALID_PARAM"),
    ]
    for query, errcode in wrong:
        with pytest.raises(MatrixRefusal) as refused:
            await romeo.call("GET", STABLE, query=query)
        assert (refused.value.status, refused.value.errcode) == (400, errcode)
