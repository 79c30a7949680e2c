"""Password hashes."""

from __future__ import annotations

import asyncio
import os

import pytest

from homeserver.infrastructure.crypto.argon2 import Argon2Passwords
from tests.support.memory import resident_kib


async def test_a_hash_matches_its_password_and_no_other() -> None:
    passwords = Argon2Passwords(memory_kib=8, passes=1)
    stored = await passwords.hash("päss")
    assert await passwords.verify(stored, "päss")
    assert not await passwords.verify(stored, "pass")
    assert stored != await passwords.hash("päss"), "each hash has its own salt"
    assert len(stored) <= 255
    assert stored.isascii()


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$broken"])
async def test_what_is_no_hash_matches_nothing(stored: str | None) -> None:
    passwords = Argon2Passwords(memory_kib=8, passes=1)
    assert not await passwords.verify(stored, "")
    assert not await passwords.verify(stored, "pass")


async def test_hashes_are_strong_unless_told_otherwise() -> None:
    stored = await Argon2Passwords().hash("pass")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_D1_a_flood_of_hashes_costs_the_memory_of_two() -> None:
    """Each thread keeps what a hash took; all of them together are two."""
    mib = 1024
    passwords = Argon2Passwords(memory_kib=19 * mib, passes=1)
    before = resident_kib(os.getpid())
    await asyncio.gather(*(passwords.hash("pass") for _ in range(12)))
    assert resident_kib(os.getpid()) - before < (2 * 19 + 10) * mib
