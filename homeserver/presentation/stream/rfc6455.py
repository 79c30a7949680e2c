"""WebSocket frames (RFC 6455, section 5) as a server reads and writes them; no extensions."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

_FIN: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_MASKED: Final = 0x80
_LENGTH: Final = 0x7F
_LENGTH_16: Final = 126
_LENGTH_64: Final = 127
_MAX_CONTROL: Final = 125
_MAX_16: Final = 0xFFFF


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_OPCODES = {int(code): code for code in Opcode}


class Message(NamedTuple):
    """A whole message, or a control frame; a CONTINUATION is a fragment of one to come."""

    opcode: Opcode
    data: bytes


class FrameError(Exception):
    """The peer breaks the protocol; `code` is the close code for it."""

    def __init__(self, code: int) -> None:
        """Keep the code."""
        super().__init__(code)
        self.code = code


PROTOCOL_ERROR: Final = 1002
TOO_BIG: Final = 1009


class _Head(NamedTuple):
    final: bool
    opcode: Opcode
    start: int
    end: int
    """Where the frame begins its payload, behind the mask, and where it ends."""


class FrameReader:
    """Takes bytes as they come and gives messages of at most `max_size` bytes."""

    __slots__ = ("_buffer", "_kind", "_max_size", "_parts")

    def __init__(self, max_size: int) -> None:
        """Begin with nothing read."""
        self._max_size = max_size
        self._buffer = bytearray()
        self._kind: Opcode | None = None
        self._parts = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._buffer += data

    def next(self) -> Message | None:
        """The next message, None until more bytes have come. Raises FrameError."""
        head = self._head()
        if head is None or len(self._buffer) < head.end:
            return None
        mask = bytes(self._buffer[head.start - 4 : head.start])
        payload = _unmasked(bytes(self._buffer[head.start : head.end]), mask)
        del self._buffer[: head.end]
        if head.opcode >= Opcode.CLOSE or (head.final and self._kind is None):
            return Message(head.opcode, payload)
        return self._fragment(head, payload)

    def _head(self) -> _Head | None:
        buffer = self._buffer
        if len(buffer) < 2:  # noqa: PLR2004 (the two bytes that every frame begins with)
            return None
        opcode = self._opcode(buffer[0])
        length, start = buffer[1] & _LENGTH, 2
        if not buffer[1] & _MASKED or (opcode >= Opcode.CLOSE and length > _MAX_CONTROL):
            raise FrameError(PROTOCOL_ERROR)
        if length >= _LENGTH_16:
            start = 4 if length == _LENGTH_16 else 10
            if len(buffer) < start:
                return None
            length = int.from_bytes(buffer[2:start], "big")
        if length + len(self._parts) > self._max_size:
            raise FrameError(TOO_BIG)
        return _Head(bool(buffer[0] & _FIN), opcode, start + 4, start + 4 + length)

    def _opcode(self, first: int) -> Opcode:
        """Check the first byte of a frame against what was begun."""
        opcode = _OPCODES.get(first & _OPCODE)
        if opcode is None or first & _RESERVED:
            raise FrameError(PROTOCOL_ERROR)
        if opcode >= Opcode.CLOSE:
            right = bool(first & _FIN)
        else:
            right = (opcode is Opcode.CONTINUATION) == (self._kind is not None)
        if not right:
            raise FrameError(PROTOCOL_ERROR)
        return opcode

    def _fragment(self, head: _Head, payload: bytes) -> Message:
        if self._kind is None:
            self._kind = head.opcode
        self._parts += payload
        if not head.final:
            return Message(Opcode.CONTINUATION, b"")
        whole = Message(self._kind, bytes(self._parts))
        self._kind, self._parts = None, bytearray()
        return whole


def frame(opcode: Opcode, data: bytes) -> bytes:
    """One unfragmented frame, as servers write it: unmasked."""
    size = len(data)
    first = bytes((_FIN | opcode,))
    if size <= _MAX_CONTROL:
        return first + bytes((size,)) + data
    if size <= _MAX_16:
        return first + bytes((_LENGTH_16,)) + size.to_bytes(2, "big") + data
    return first + bytes((_LENGTH_64,)) + size.to_bytes(8, "big") + data


def _unmasked(data: bytes, mask: bytes) -> bytes:
    """XOR with the repeated mask: as two large integers, which is C's work."""
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")
