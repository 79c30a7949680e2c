"""The server's end: one session for each connection, which ends with it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Protocol, Self

import structlog

from homeserver.infrastructure.control.wire import (
    SOCKET,
    RefusedError,
    new_socket,
    read_message,
    short_path,
    write_message,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path
    from types import TracebackType

log = structlog.get_logger(__name__)
_OWNER_ONLY = 0o600


class Session(Protocol):
    """What one connection may ask for."""

    @property
    def requests(self) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        """Requests by name; they take the message's further keys and may raise RefusedError."""
        ...

    async def end(self) -> None:
        """The command has gone, however it ended: leave nothing of it behind."""
        ...


class ControlServer:
    """Listens in the data folder; only the account that the server runs as can connect."""

    def __init__(self, folder: Path, open_session: Callable[[], Session]) -> None:
        """Not there before `__aenter__`; the folder's lock says that nobody else is."""
        self._folder = folder
        self._open_session = open_session
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __aenter__(self) -> Self:
        """Begin to listen. Raises OSError."""
        sock = new_socket()
        try:
            with short_path(self._folder) as address:
                (self._folder / SOCKET).unlink(missing_ok=True)  # a killed server's
                os.fchmod(sock.fileno(), _OWNER_ONLY)  # before anybody can see it
                sock.bind(address)
            self._server = await asyncio.start_unix_server(self._serve, sock=sock)
        except BaseException:
            sock.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
        open_ones = dict(self._connections)
        for writer in open_ones.values():
            writer.close()
        await asyncio.gather(*open_ones)
        (self._folder / SOCKET).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections[task] = writer
            task.add_done_callback(lambda done: self._connections.pop(done, None))
        session = self._open_session()
        try:
            while True:
                message = await read_message(reader)
                await write_message(writer, await _answer(session, message))
        except (EOFError, ConnectionError):
            pass  # the command has gone: that is how a session ends
        except ValueError as error:
            log.warning("control.malformed", reason=str(error))
        finally:
            writer.close()
            await session.end()


async def _answer(session: Session, message: dict[str, Any]) -> dict[str, Any]:
    name = str(message.pop("do", ""))
    request = session.requests.get(name)
    if request is None:
        return {"refused": f"this server knows no request {name!r}: it is of another version"}
    try:
        return {"answer": await request(**message)}
    except RefusedError as error:
        return {"refused": str(error)}
    except Exception:
        log.exception("control.failed", request=name)
        return {"refused": f"the server failed to {name}: see its log"}
