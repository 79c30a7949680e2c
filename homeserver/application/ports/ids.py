"""Unguessable values, as use cases see them."""

from __future__ import annotations

from typing import Protocol


class Ids(Protocol):
    """Makes random values from a cryptographic source. Never blocks, never fails."""

    def token(self, nbytes: int) -> str:
        """Return `nbytes` random bytes as unpadded URL-safe base64."""

    def opaque_id(self) -> str:
        """Return 18 characters `A-Za-z0-9`, unique in practice (107 bits)."""

    def random_bytes(self, nbytes: int) -> bytes:
        """Return random bytes, for keys and salts."""

    def fraction(self) -> float:
        """Return a number in [0, 1), for jitter."""
