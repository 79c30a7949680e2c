"""E7 across workers: who does not read costs its worker nothing, whoever else writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from homeserver.presentation.stream import window
from tests.support.streaming import streaming
from tests.support.syncing import bodies

if TYPE_CHECKING:
    from tests.support.cluster import ClusterTown

LONG = json.dumps({"room": {"timeline": {"limit": 200}}})
COUNT, SIZE = 90, 40_000
"""3.6 MB, far more than a window and the kernel's buffers hold."""


async def test_E7_a_reader_that_never_reads_what_another_worker_writes(town: ClusterTown) -> None:
    romeo, juliet, nurse = [await town.phone(n, i) for i, n in enumerate(("romeo", "juliet"))] + [
        await town.phone("nurse", 1)
    ]
    room = await romeo.create_room(preset="public_chat")
    for member in (juliet, nurse):
        await member.do("join", room)
    await town.settle()
    for member in (juliet, nurse):
        await member.get()
    async with streaming(juliet, filter=LONG) as socket:
        client: Any = socket.raw._conn.transport  # type: ignore[union-attr]
        client.pause_reading()
        texts = [f"{n} ".ljust(SIZE, ".") for n in range(COUNT)]
        for text in texts:
            await romeo.send(room, text)
        await town.settle()
        (server,) = town.workers[1].stream.sockets._all()
        held: Any = server._session.window  # type: ignore[attr-defined]
        assert len(held._frames) <= window.MAX_FRAMES
        on_their_way = sum(size for size, _ in held._frames)
        assert on_their_way <= window.MAX_BYTES + COUNT * (SIZE + 2_000)
        assert server._wire.unwritten <= on_their_way  # type: ignore[attr-defined]
        sent = held.sent
        await romeo.send(room, "one more")
        await town.settle()
        heard = (await nurse.get({"room": {"timeline": {"limit": 200}}}, timeout_ms=5_000))["rooms"]
        assert bodies(heard["join"][room])[-1] == "one more"  # others go on
        assert held.sent == sent
    # gone without having read anything: its next sync resumes
    part = (await juliet.get({"room": {"timeline": {"limit": 200}}}))["rooms"]["join"][room]
    assert bodies(part) == [*texts, "one more"]
