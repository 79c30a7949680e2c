"""What is in a message of the bus: a bundle of frames, or a ping.

The native client cuts bodies at the first NUL when it receives them, so frames travel as
base64. A first letter tells the kinds apart; another one is of a later version.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FRAMES = b"f"
_PING = b"p"
_LENGTH = 4


class MalformedError(ValueError):
    """A message that this version cannot read."""


def bundle(frames: Sequence[bytes]) -> bytes:
    """Return the body that carries these frames."""
    parts = (part for frame in frames for part in (len(frame).to_bytes(_LENGTH, "big"), frame))
    return _FRAMES + binascii.b2a_base64(b"".join(parts), newline=False)


def ping(moment: float) -> bytes:
    """Return the body of a ping that was sent at a moment of the monotonic clock."""
    return _PING + repr(moment).encode()


def frames_of(body: bytes) -> Sequence[bytes]:
    """Return a bundle's frames; raises MalformedError."""
    if body[:1] != _FRAMES:
        raise MalformedError("neither a bundle nor a ping")
    try:
        packed = binascii.a2b_base64(body[1:], strict_mode=True)
    except binascii.Error as error:
        raise MalformedError(str(error)) from error
    frames, at = [], 0
    while at < len(packed):
        start = at + _LENGTH
        at = start + int.from_bytes(packed[at:start], "big")
        frames.append(packed[start:at])
    if at > len(packed):
        raise MalformedError("a frame is cut short")
    return frames


def ping_moment(body: bytes) -> float | None:
    """Return when a ping was sent; None for anything else."""
    if body[:1] != _PING:
        return None
    try:
        return float(body[1:])
    except ValueError:
        return None
