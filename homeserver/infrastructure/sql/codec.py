"""How an event's canonical JSON lies in the store: a codec byte and a body.

Codec 1 is raw deflate with a dictionary of what PDUs have in common; it takes a third off
a short message's row. A codec is never changed, only added.
"""

from __future__ import annotations

import zlib

PLAIN = 0
DEFLATE = 1
# A dictionary is part of the stored format: bytes most common last.
_DICTIONARY = (
    b'"m.relates_to":{"event_id":"$","rel_type":"m.thread"},"m.mentions":{"user_ids":["@"]}'
    b'"format":"org.matrix.custom.html","formatted_body":"","membership":"join","displayname":"'
    b'"redacts":"$","state_key":"","type":"m.room.redaction","type":"m.reaction",'
    b'"type":"m.room.encrypted","type":"m.room.member","msgtype":"m.image","msgtype":"m.notice",'
    b'{"auth_events":["$","$","$"],"content":{"body":"","msgtype":"m.text"},"depth":1,'
    b'"hashes":{"sha256":""},"origin_server_ts":17,"prev_events":["$"],"room_id":"!","sender":"@'
    b'","type":"m.room.message"}'
)


def encode_body(json: bytes) -> tuple[int, bytes]:
    """Return (codec, body) for canonical JSON, whichever form is shorter."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -12, 5, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    packed = packer.compress(json) + packer.flush()
    return (DEFLATE, packed) if len(packed) < len(json) else (PLAIN, json)


def decode_body(codec: int, body: bytes) -> bytes:
    """Return the canonical JSON. Raises ValueError for a codec of a newer version."""
    if codec == PLAIN:
        return body
    if codec == DEFLATE:
        return zlib.decompressobj(-12, zdict=_DICTIONARY).decompress(body)
    msg = f"event body with unknown codec {codec}"
    raise ValueError(msg)
