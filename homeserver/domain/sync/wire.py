"""Numbers and text of tokens: compact, unpadded, one form for each value."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import Final

from homeserver.domain.shared.errors import InvalidParamError

_MAX_BYTES: Final = 8
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_SMALL: Final = tuple(
    bytes([(n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    for n in range(1024)
)
_SMALL_END: Final = len(_SMALL)


def pack_number(number: int) -> bytes:
    """Pack an integer from 0 to 2^64 - 1: its length in bytes, then big-endian bytes."""
    if number < _SMALL_END:
        return _SMALL[number]
    return _pack_large(number)


@lru_cache(maxsize=1024)
def _pack_large(number: int) -> bytes:
    size = (number.bit_length() + 7) // 8
    return bytes((size,)) + number.to_bytes(size, "big")


def to_text(data: bytes) -> str:
    """Write bytes as URL-safe base64 without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()


def from_text(text: str, what: str) -> bytes:
    """Read URL-safe base64; `InvalidParamError` naming `what` for any other form."""
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise InvalidParamError(f"Malformed {what}") from error
    if to_text(data) != text:
        raise InvalidParamError(f"Malformed {what}")
    return data


class Reader:
    """Reads packed bytes from the front; every misfit is an `InvalidParamError`."""

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        """Start at the front; `what` names the token in errors."""
        self._data, self._at, self._what = data, 0, what

    def take(self, size: int) -> bytes:
        """Read so many bytes."""
        taken = self._data[self._at : self._at + size]
        if len(taken) != size:
            raise self.error()
        self._at += size
        return taken

    def number(self) -> int:
        """Read a number that `pack_number` wrote, in its shortest form."""
        size = self.take(1)[0]
        if size > _MAX_BYTES:
            raise self.error()
        digits = self.take(size)
        if digits[:1] == b"\0":
            raise self.error()
        return int.from_bytes(digits, "big")

    def finish(self) -> None:
        """Require that nothing is left."""
        if self._at != len(self._data):
            raise self.error()

    def error(self) -> InvalidParamError:
        """Return the refusal of what is being read."""
        return InvalidParamError(f"Malformed {self._what}")
