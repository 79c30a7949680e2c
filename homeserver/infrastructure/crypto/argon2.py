"""`PasswordHasher` with Argon2id."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Argon2Passwords:
    """See `application.ports.password_hasher.PasswordHasher`.

    The defaults are OWASP's: 19 MiB, two passes, one lane. At most `at_once` hashes are
    computed at a time, so that a flood of logins costs bounded memory and processor time. They
    have threads of their own: malloc keeps the memory of a hash for the thread that used it.
    """

    def __init__(self, *, memory_kib: int = 19_456, passes: int = 2, at_once: int = 2) -> None:
        """Prepare a hash of nothing, to compare with where there is none."""
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")
        self._nobody = self._argon2.hash("")

    async def hash(self, password: str) -> str:
        """See `PasswordHasher.hash`."""
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """See `PasswordHasher.verify`."""
        return await self._run(lambda: self._matches(password_hash, password))

    def _matches(self, password_hash: str | None, password: str) -> bool:
        try:
            stored = self._nobody if password_hash is None else password_hash
            matches = self._argon2.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False
        return matches and password_hash is not None

    async def _run(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, job)
