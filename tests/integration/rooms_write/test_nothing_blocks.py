"""While requests are served the event loop's thread never waits for a disk, a lookup or a nap."""

from __future__ import annotations

import io
import os
import socket
import sqlite3
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tests.support.town import Town

pytestmark = pytest.mark.asyncio
BLOCKING = (time.sleep, os.fsync, os.fdatasync, open, socket.getaddrinfo)
OWNERS = (sqlite3.Connection, sqlite3.Cursor, io.FileIO, io.BufferedIOBase)


@contextmanager
def blocking_calls() -> Iterator[list[str]]:
    """Collect what this thread calls that may block."""
    found: list[str] = []

    def watch(frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call":
            return
        if function in BLOCKING or isinstance(getattr(function, "__self__", None), OWNERS):
            found.append(f"{function!r} in {frame.f_code.co_filename}:{frame.f_lineno}")

    sys.setprofile(watch)
    try:
        yield found
    finally:
        sys.setprofile(None)


async def live(town: Town, name: str) -> None:
    """Make a room, talk, take something back, and read it all from the store."""
    alice, bob = await town.user(name), await town.user(f"{name}.bob")
    room = await town.room(alice, visibility="public", preset="public_chat")
    await town.join(bob, room.room_id, {})
    event_id = await town.say(bob, room, "hello")
    await town.redact(alice, room, event_id)
    await town.state(alice, room.room_id, "m.room.name", "", {"name": "Lobby"})
    await town.leave(bob, room.room_id, {})
    assert (await town.stored(room)).head == room.head


async def test_the_loop_never_blocks(town: Town) -> None:
    await live(town, "first")  # imports what is imported late
    with blocking_calls() as found:
        await live(town, "second")
    assert found == []


@pytest.mark.parametrize("block", [lambda: time.sleep(0), lambda: sqlite3.connect(":memory:")])
async def test_what_blocks_is_seen(block: Any) -> None:
    with blocking_calls() as found:
        result = block()
        if isinstance(result, sqlite3.Connection):
            result.execute("SELECT 1")
            result.close()
    assert found
