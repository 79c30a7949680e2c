"""Password hashes."""

from __future__ import annotations

import pytest

from homeserver.infrastructure.crypto.argon2 import Argon2Passwords


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
