"""Who is logged in, how far the device has read, and where that is kept."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Protocol

import msgspec


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A logged-in device and its position; the tokens are secrets."""

    user_id: str
    device_id: str
    access_token: str
    refresh_token: str | None = None
    since: str | None = None


class SessionStore(Protocol):
    """Keeps one session."""

    async def load(self) -> Session | None:
        """What was saved last; None where nothing was."""

    async def save(self, session: Session) -> None:
        """Keep this in place of what was there; wholly or not at all."""

    async def clear(self) -> None:
        """Forget it."""


class MemoryStore:
    """Keeps the session as long as the process lives."""

    def __init__(self) -> None:
        self._session: Session | None = None

    async def load(self) -> Session | None:
        """What was saved last."""
        return self._session

    async def save(self, session: Session) -> None:
        """Keep it."""
        self._session = session

    async def clear(self) -> None:
        """Forget it."""
        self._session = None


class FileStore:
    """Keeps the session in a file that only its owner can read; survives kills and crashes."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    async def load(self) -> Session | None:
        """What the file holds. Raises msgspec.MsgspecError where it is damaged."""
        return await asyncio.to_thread(self._load)

    async def save(self, session: Session) -> None:
        """Write a new file and put it in place of the old."""
        await asyncio.to_thread(self._save, msgspec.json.encode(session))

    async def clear(self) -> None:
        """Delete the file."""
        await asyncio.to_thread(self._path.unlink, missing_ok=True)

    def _load(self) -> Session | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Session)
        except FileNotFoundError:
            return None

    def _save(self, text: bytes) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self._path)
