"""I8: an event that may not be seen is answered like one that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.support.syncing import Phone

NOTHING = "$" + "A" * 43
EVENT = "{event}"
ABOUT_AN_EVENT: list[tuple[str, str, Any]] = [
    ("GET", "event/{event}", None),
    ("GET", "context/{event}", None),
    ("GET", "relations/{event}", None),
    ("POST", "receipt/m.read/{event}", {}),
    ("POST", "read_markers", {"m.fully_read": EVENT}),
    ("POST", "report/{event}", {"reason": "x"}),
    ("PUT", "redact/{event}/t", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), ABOUT_AN_EVENT, ids=lambda part: str(part)[:9])
async def test_I8_a_hidden_event_is_as_if_it_were_not_there(
    romeo: Phone, juliet: Phone, method: str, path: str, body: Any
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await romeo.visibility(room, "joined")
    hidden = await romeo.send(room, "before she came")
    await juliet.do("join", room)
    seen = await romeo.send(room, "she is here")

    async def asked(event_id: str) -> tuple[int, str]:
        version = "v1" if path.startswith("relations") else "v3"
        target = f"/_matrix/client/{version}/rooms/{quote(room)}/" + path.replace(
            EVENT, quote(event_id)
        )
        sent = {k: v.replace(EVENT, event_id) for k, v in body.items()} if body else body
        status, text = await juliet.raw(method, target, sent)
        return status, text.replace(event_id, EVENT)

    assert await asked(hidden) == await asked(NOTHING)
    assert (await asked(hidden))[0] == 404
    assert (await asked(seen))[0] == (403 if path.startswith("redact") else 200)


async def test_a_moderator_redacts_what_was_sent_before_they_came(
    romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await romeo.visibility(room, "joined")
    hidden = await romeo.send(room, "before she came")
    await juliet.do("join", room)
    await romeo.state(
        room,
        "m.room.power_levels",
        {"users": {juliet.user_id: 50}, "redact": 50},
    )
    await juliet.redact(room, hidden)
    found = await romeo.room_call("GET", room, f"event/{quote(hidden)}")
    assert found["content"] == {}
