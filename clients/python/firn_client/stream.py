"""The frames of the WebSocket, subprotocol `firn.v1`; no input and no output."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from firn_client.errors import MatrixError, ProtocolError, refusal
from firn_client.sync_body import SyncBody

SUBPROTOCOL = "firn.v1"


class SyncFrame(msgspec.Struct, frozen=True, tag="sync"):
    """News: the body of /sync, numbered on this socket."""

    seq: int
    body: SyncBody


class ErrorFrame(msgspec.Struct, frozen=True, tag="error"):
    """Why the server is about to close."""

    body: dict[str, Any]


class PongFrame(msgspec.Struct, frozen=True, tag="pong"):
    """The answer to a ping."""

    id: str | int | None = None


class ResponseFrame(msgspec.Struct, frozen=True, tag="response"):
    """The answer to a request that was made over the socket."""

    id: str | int | None
    status: int
    body: Any


Frame = SyncFrame | ErrorFrame | PongFrame | ResponseFrame
_DECODER: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)
_TYPES = frozenset({"sync", "error", "pong", "response"})


class _Kind(msgspec.Struct):
    type: str


_KINDS = msgspec.json.Decoder(_Kind)


class End(Enum):
    """What follows from the end of a socket."""

    AGAIN = "connect again, to another server if there is one"
    TOKEN = "the access token is no longer good"  # noqa: S105 (a sentence)
    FORBIDDEN = "the user may not do this"
    LIMITED = "too many connections: wait"
    REFUSED = "the two do not understand each other: poll instead"


_ENDS = {4000: End.REFUSED, 4001: End.TOKEN, 4003: End.FORBIDDEN, 4029: End.LIMITED}
_STATUS = {End.TOKEN: 401, End.FORBIDDEN: 403, End.LIMITED: 429}


def decode(text: str | bytes) -> Frame | None:
    """One frame; None for a type that is not known here. Raises ProtocolError."""
    try:
        if _KINDS.decode(text).type not in _TYPES:
            return None
        return _DECODER.decode(text)
    except msgspec.MsgspecError as bad:
        raise ProtocolError(f"a bad frame: {bad}") from bad


def ack(seq: int) -> str:
    """All frames up to this one were read."""
    return msgspec.json.encode({"type": "ack", "seq": seq}).decode()


def end(code: int | None) -> End:
    """What a close code means; None where the connection just broke."""
    return _ENDS.get(code or 0, End.AGAIN)


def error(ending: End, body: dict[str, Any] | None) -> MatrixError:
    """The error behind an end, by the error frame if there was one."""
    codes = {End.TOKEN: "M_UNKNOWN_TOKEN", End.FORBIDDEN: "M_FORBIDDEN"}
    found = body or {"errcode": codes.get(ending, "M_UNKNOWN"), "error": ending.value}
    return refusal(_STATUS.get(ending, 503), found)
