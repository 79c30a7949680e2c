"""What is said of forwarded writes: a frame of writes one way, a frame of outcomes back."""

from __future__ import annotations

from typing import Any

import msgspec

from homeserver.application.requester import Requester

LARGEST_WRITE = 128 * 1024
"""Bytes of one write; an event has 64 KiB at most, and what is too large is refused here."""


class Write(msgspec.Struct, array_like=True, frozen=True):
    """An event to be made in a requester's name, once per transaction.

    With `redacts` it is a redaction of that event. `txn_key` is what makes the transaction
    unique in the store.
    """

    number: int
    requester: Requester
    room_id: str
    type: str
    content: dict[str, Any]
    redacts: str | None
    txn_id: str
    txn_key: bytes


class Writes(msgspec.Struct, array_like=True, frozen=True):
    """Writes from `sender` to be done under a store generation; without any it is a greeting.

    `asked` is the receiver's own monotonic clock, in seconds, when this was sent, or earlier.
    Each of `writes` is a `Write` of its own encoding.
    """

    generation: bytes
    sender: str
    asked: float
    writes: list[msgspec.Raw]


class Outcome(msgspec.Struct, array_like=True, frozen=True):
    """What became of a write: an event id, or None for whatever else there is to say.

    `shared` says that writes to that room come from others too.
    """

    number: int
    event_id: str | None
    shared: bool


class Outcomes(msgspec.Struct, array_like=True, frozen=True):
    """Outcomes from `worker`; `clock` is its monotonic clock, None where it takes no more."""

    worker: str
    clock: float | None
    outcomes: list[Outcome]


encode = msgspec.msgpack.Encoder().encode
decode_write = msgspec.msgpack.Decoder(Write).decode
decode_writes = msgspec.msgpack.Decoder(Writes).decode
decode_outcomes = msgspec.msgpack.Decoder(Outcomes).decode


def encode_write(write: Write) -> msgspec.Raw | None:
    """Pack one write; None for what cannot be packed: here it gets the answer that it is due."""
    try:
        packed = encode(write)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    return msgspec.Raw(packed) if len(packed) <= LARGEST_WRITE else None
