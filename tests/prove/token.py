"""What a sync token says: clients must not look into it, the proof may."""

from __future__ import annotations

from functools import lru_cache

from homeserver.domain.sync.vector import Vector
from homeserver.domain.sync.wire import Reader, from_text

PREFIX_SIZE = 3
CHECKSUM_AND_GENERATION = 4 + 8


@lru_cache(maxsize=1024)
def vector_of(token: str) -> Vector:
    """The positions in a token, by writer slot."""
    reader = Reader(from_text(token[PREFIX_SIZE:], "sync token"), "sync token")
    reader.take(CHECKSUM_AND_GENERATION)
    return Vector.read(reader)
