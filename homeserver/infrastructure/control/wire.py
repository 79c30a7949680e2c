"""Messages between a command and its server: MessagePack behind four bytes of length."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from pathlib import Path

SOCKET: Final = "control.sock"
MAX_MESSAGE: Final = 64 * 1024 * 1024
_LENGTH: Final = 4
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


class RefusedError(Exception):
    """What a command asks cannot be done; it is told this text."""


async def read_message(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Wait for the next one.

    Raises EOFError (IncompleteReadError) at the end, ValueError for what is no message.
    """
    size = int.from_bytes(await reader.readexactly(_LENGTH), "big")
    if size > MAX_MESSAGE:
        msg = "a message is too long"
        raise ValueError(msg)
    return _decode(await reader.readexactly(size))


async def write_message(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    """Send one. Raises ConnectionError."""
    body = _encode(message)
    writer.write(len(body).to_bytes(_LENGTH, "big") + body)
    await writer.drain()


def new_socket() -> socket.socket:
    """A socket of this kind, not yet bound or connected."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


@contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """The socket's address in a folder whose path may exceed the 107 bytes of an address."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)
