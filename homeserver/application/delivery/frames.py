"""What workers send each other: signed frames of several kinds.

A frame is a version byte, a kind byte, an HMAC-SHA256 over both and the payload, the payload.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final

VERSION: Final = 1
BATCHES: Final = 1
"""The kind of a frame of bundles."""
WRITES: Final = 2
"""Writes that a room's preferred worker is asked to do."""
OUTCOMES: Final = 3
"""What became of them."""
TYPING: Final = 4
"""Who began or stopped typing."""
PRESENCE: Final = 5
"""Who is online."""
_MAC: Final = 32
_HEAD: Final = 2


class BadFrameError(Exception):
    """A frame of another version, or one that no worker of this cluster made."""


class Frames:
    """Seals and opens frames under the cluster's key."""

    def __init__(self, key: bytes) -> None:
        """Take the key; it must not be empty."""
        if not key:
            msg = "the cluster key is empty"
            raise ValueError(msg)
        self._key = key

    def seal(self, kind: int, payload: bytes) -> bytes:
        """Make a frame; `kind` is 0 to 255."""
        head = bytes((VERSION, kind))
        return head + self._mac(head, payload) + payload

    def open(self, frame: bytes) -> tuple[int, bytes]:
        """Return kind and payload. Raises BadFrameError."""
        if len(frame) < _HEAD + _MAC or frame[0] != VERSION:
            msg = "a frame of another version"
            raise BadFrameError(msg)
        head, mac, payload = frame[:_HEAD], frame[_HEAD : _HEAD + _MAC], frame[_HEAD + _MAC :]
        if not hmac.compare_digest(mac, self._mac(head, payload)):
            msg = "a frame that was not made under this key"
            raise BadFrameError(msg)
        return frame[1], payload

    def _mac(self, head: bytes, payload: bytes) -> bytes:
        return hmac.digest(self._key, head + payload, sha256)
