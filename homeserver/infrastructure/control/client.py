"""The command's end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from homeserver.infrastructure.control.wire import (
    RefusedError,
    new_socket,
    read_message,
    short_path,
    write_message,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_GONE = "the server has gone"


class NoServerError(Exception):
    """No server runs in this data folder."""


class ControlClient:
    """One session with the server beside this command."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use `control`."""
        self._reader = reader
        self._writer = writer

    async def ask(self, name: str, **arguments: Any) -> Any:
        """Make a request and wait for its answer.

        Raises RefusedError where the server does not do it, or has gone.
        """
        try:
            await write_message(self._writer, {"do": name, **arguments})
            found = await read_message(self._reader)
        except (EOFError, ConnectionError) as error:
            raise RefusedError(_GONE) from error
        if "refused" in found:
            raise RefusedError(found["refused"])
        return found["answer"]


@asynccontextmanager
async def control(folder: Path) -> AsyncIterator[ControlClient]:
    """Connect to the server of a data folder for the block. Raises NoServerError."""
    sock = new_socket()
    try:
        with short_path(folder) as address:
            sock.connect(address)
        reader, writer = await asyncio.open_unix_connection(sock=sock)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        sock.close()
        raise NoServerError from error
    except BaseException:
        sock.close()
        raise
    try:
        yield ControlClient(reader, writer)
    finally:
        writer.close()
