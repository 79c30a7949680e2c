"""Asks a process of ours over HTTP how it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader


async def status_of(port: int, path: str, patience_s: float) -> int | None:
    """Return the status of a GET on a loopback port; None where there was no answer in time."""
    try:
        async with asyncio.timeout(patience_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
                return await _status(reader)
            finally:
                writer.close()
    except OSError:  # TimeoutError is one too
        return None


async def _status(reader: StreamReader) -> int | None:
    words = (await reader.readline()).split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None
