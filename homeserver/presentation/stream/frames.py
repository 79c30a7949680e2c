"""The frames of `firn.v1` (docs/reference/stream.md, "Frames")."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct

from homeserver.domain.shared.canonical_json import MAX_INTEGER
from homeserver.domain.shared.errors import BadJsonError, MatrixError, NotJsonError

MAX_ID = 255
DEFAULT_TYPING_MS = 30_000

# What a path variable may be: any text but none (see `routing.MAX_SEGMENT`).
_Text = Annotated[str, Meta(min_length=1, max_length=8192)]
_Id = (
    Annotated[str, Meta(max_length=MAX_ID)] | Annotated[int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
)


class Ack(Struct, frozen=True, tag_field="type", tag="ack"):
    """All frames up to `seq` were taken in."""

    seq: Annotated[int, Meta(ge=0, le=MAX_INTEGER)]


class Ping(Struct, frozen=True, tag_field="type", tag="ping"):
    """Asks for a pong."""

    id: _Id


class _Request(Struct, frozen=True, tag_field="type", kw_only=True):
    """What asks for one response; `traceparent` as in HTTP."""

    id: _Id
    room_id: _Text
    traceparent: str | None = None


class Send(_Request, frozen=True, tag="send"):
    """An event for a room. `content` is read as strictly as an HTTP body is."""

    event_type: _Text
    txn_id: _Text
    content: Raw


class Typing(_Request, frozen=True, tag="typing"):
    """The requester types, for `timeout` milliseconds, or no longer."""

    typing: bool
    timeout: int = DEFAULT_TYPING_MS


class Receipt(_Request, frozen=True, tag="receipt"):
    """How far one has read."""

    receipt_type: _Text
    event_id: _Text
    thread_id: Any = UNSET


class ReadMarkers(
    _Request,
    frozen=True,
    tag="read_markers",
    rename={
        "fully_read": "m.fully_read",
        "read": "m.read",
        "read_private": "m.read.private",
    },
):
    """Several marks at once."""

    fully_read: str | None = None
    read: str | None = None
    read_private: str | None = None

    @property
    def marks(self) -> dict[str, Any]:
        """As the HTTP body has them."""
        return {
            "m.fully_read": self.fully_read,
            "m.read": self.read,
            "m.read.private": self.read_private,
        }


Request = Send | Typing | Receipt | ReadMarkers
ClientFrame = Ack | Ping | Request
_KINDS = (Ack, Ping, Send, Typing, Receipt, ReadMarkers)
CLIENT_TYPES = tuple(str(kind.__struct_config__.tag) for kind in _KINDS)
SERVER_TYPES = ("sync", "response", "pong", "error")


class Envelope(Struct, frozen=True):
    """What a refused frame must have, for its refusal to reach whoever asked."""

    id: _Id
    type: str


class Misfit(Struct, frozen=True):
    """A request that cannot be read, but answered."""

    id: str | int
    error: MatrixError


class UnknownFrameError(MatrixError):
    """A type of frame that this server does not have."""

    status = 404
    errcode = "M_UNRECOGNIZED"


_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_envelopes = msgspec.json.Decoder(Envelope)
_encode = msgspec.json.Encoder().encode


def read_frame(data: bytes) -> ClientFrame | Misfit:
    """Read a text frame.

    Raises NotJsonError for what is no JSON, and BadJsonError for what nobody could be
    answered about.
    """
    try:
        return _decoder.decode(data)
    except msgspec.ValidationError as error:
        return _misfit(data, str(error))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotJsonError("The frame is not JSON") from None
    except RecursionError:
        raise NotJsonError("The frame is nested too deeply") from None


def _misfit(data: bytes, reason: str) -> Misfit:
    try:
        envelope = _envelopes.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadJsonError(f"Not a frame: {reason}") from None
    if envelope.type not in CLIENT_TYPES:
        return Misfit(envelope.id, UnknownFrameError("Unknown type of frame"))
    return Misfit(envelope.id, BadJsonError(reason))


def sync_frame(seq: int, body: bytes) -> bytes:
    """An answer of /sync."""
    return b'{"type":"sync","seq":%d,"body":%b}' % (seq, body)


def response_frame(asked: str | int, status: int, body: object) -> bytes:
    """The answer to a request."""
    return _encode({"type": "response", "id": asked, "status": status, "body": body})


def pong_frame(asked: str | int) -> bytes:
    """The answer to a ping."""
    return _encode({"type": "pong", "id": asked})


def error_frame(body: object) -> bytes:
    """Why the server closes."""
    return _encode({"type": "error", "body": body})
