"""A room with two people in it, and short words for what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest_asyncio

if TYPE_CHECKING:
    from tests.support.syncing import Phone

V1 = "/_matrix/client/v1/rooms"


@pytest_asyncio.fixture
async def room(romeo: Phone, juliet: Phone) -> str:
    """Romeo's room, where Juliet is too."""
    made = await romeo.create_room(preset="public_chat")
    await juliet.do("join", made)
    return made


async def relate(
    who: Phone,
    room: str,
    parent: str,
    rel_type: str,
    kind: str = "m.room.message",
    txn: str | None = None,
    **content: Any,
) -> str:
    """Send an event that relates to another; its id."""
    who._txn += 1
    relation = {"rel_type": rel_type, "event_id": parent}
    if "key" in content:
        relation["key"] = content.pop("key")
    body = {"body": "child", "msgtype": "m.text", **content, "m.relates_to": relation}
    path = f"send/{quote(kind)}/{txn or f'{who.device_id}-{who._txn}'}"
    return str((await who.room_call("PUT", room, path, body))["event_id"])


async def edit(
    who: Phone, room: str, original: str, text: str, kind: str = "m.room.message"
) -> str:
    """Send a replacement."""
    new = {"body": text, "msgtype": "m.text"}
    content: dict[str, Any] = {"body": f"* {text}", "m.new_content": new}
    return await relate(who, room, original, "m.replace", kind, **content)


async def react(who: Phone, room: str, parent: str, key: str, txn: str | None = None) -> str:
    """Send a reaction."""
    return await relate(who, room, parent, "m.annotation", "m.reaction", txn, key=key)


async def event(who: Phone, room: str, event_id: str) -> dict[str, Any]:
    """One event as somebody gets it."""
    found: dict[str, Any] = await who.room_call("GET", room, f"event/{quote(event_id)}")
    return found


async def bundled(who: Phone, room: str, event_id: str) -> dict[str, Any]:
    """What is bundled with an event."""
    found: dict[str, Any] = (await event(who, room, event_id))["unsigned"].get("m.relations", {})
    return found


async def related(who: Phone, room: str, path: str, **query: Any) -> dict[str, Any]:
    """Ask for relations: `path` is event[/kind[/type]], unquoted."""
    parts = "/".join(quote(part, safe="") for part in path.split("/"))
    found: dict[str, Any] = await who.call(
        "GET", f"{V1}/{quote(room)}/relations/{parts}", query=query
    )
    return found


async def threads(who: Phone, room: str, **query: Any) -> dict[str, Any]:
    """Ask for threads."""
    found: dict[str, Any] = await who.call("GET", f"{V1}/{quote(room)}/threads", query=query)
    return found


def chunk(page: dict[str, Any]) -> list[str]:
    """The event ids of a page."""
    return [each["event_id"] for each in page["chunk"]]
