"""A TCP relay on the loopback that cuts a connection at a chosen packet."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

When = Literal["before", "during", "after"]
_CHUNK = 1 << 20
BATCH_END = (b";COMMIT", b";COMMIT;END")
"""How the packet of a writer's batch ends on MySQL, and on MariaDB."""


class _Cut(NamedTuple):
    ends: bytes | tuple[bytes, ...]
    when: When
    then: Callable[[], object]


class TcpProxy:
    """Relays to one address.

    `cut(pattern, when)` waits for one packet from a client whose end is `pattern`, and cuts
    its connection: before the server has it, when it has been sent, or once the server has
    answered (the answer is lost); then `then` is called. Each cut happens once, in order;
    `spare` takes back those that are still to come. `down` refuses new connections; while
    `silent` nothing that clients say gets through, and nothing is cut.
    """

    def __init__(self, host: str, port: int) -> None:
        """Relay to this address."""
        self._target = host, port
        self._cuts: list[_Cut] = []
        self._links: set[asyncio.StreamWriter] = set()
        self.down = False
        self.silent = False
        self.done = 0
        self.port = 0

    def cut(
        self,
        ends: bytes | tuple[bytes, ...],
        when: When,
        then: Callable[[], object] = bool,
    ) -> None:
        """Cut the connection of the next packet that ends so, or in one of these ways."""
        self._cuts.append(_Cut(ends, when, then))

    def spare(self) -> None:
        """Cut no packet that is still to come."""
        self._cuts.clear()

    def cut_all(self) -> None:
        """Cut what is connected now."""
        for link in list(self._links):
            link.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection."""
        if self.down:
            writer.transport.abort()
            return
        up_reader, up_writer = await asyncio.open_connection(*self._target)
        self._links |= {writer, up_writer}
        answers = asyncio.create_task(_pump(up_reader, writer))
        try:
            await self._requests(reader, up_reader, up_writer, answers)
        except OSError:
            pass
        finally:
            answers.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await answers
            for end in (writer, up_writer):
                self._links.discard(end)
                end.transport.abort()

    async def _requests(
        self,
        reader: asyncio.StreamReader,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
        answers: asyncio.Task[None],
    ) -> None:
        end = b""
        while data := await reader.read(_CHUNK):
            while self.silent:
                await asyncio.sleep(0.02)
            end = (end + data)[-64:]
            if not (self._cuts and end.endswith(self._cuts[0].ends)):
                up_writer.write(data)
                await up_writer.drain()
                continue
            cut = self._cuts.pop(0)
            self.done += 1
            if cut.when == "after":
                answers.cancel()
                with suppress(asyncio.CancelledError):
                    await answers
            if cut.when != "before":
                up_writer.write(data)
                await up_writer.drain()
            if cut.when == "after":
                await up_reader.read(1)
            cut.then()
            return


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def open_proxy(host: str, port: int) -> AsyncIterator[TcpProxy]:
    """Relay from a free port of the loopback."""
    proxy = TcpProxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut_all()
        await asyncio.sleep(0.02)
