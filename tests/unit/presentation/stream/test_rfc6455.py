"""WebSocket frames as a client may cut, mask and break them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.presentation.stream.rfc6455 import (
    PROTOCOL_ERROR,
    TOO_BIG,
    FrameError,
    FrameReader,
    Message,
    Opcode,
    frame,
)

LIMIT = 200_000


def masked(
    opcode: int, data: bytes, *, final: bool = True, mask: bytes = b"\x01\xff\x00\x7f", rsv: int = 0
) -> bytes:
    """A frame as clients write it."""
    size = len(data)
    first = bytes((final << 7 | rsv << 4 | opcode,))
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 65536:
        length = bytes((0x80 | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((0x80 | 127,)) + size.to_bytes(8, "big")
    return first + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data))


def read(*pieces: bytes, limit: int = LIMIT) -> list[Message]:
    """All messages of some bytes, however they are cut."""
    reader, found = FrameReader(limit), []
    for piece in pieces:
        reader.feed(piece)
        while (message := reader.next()) is not None:
            found.append(message)
    return found


@pytest.mark.parametrize("size", [0, 1, 3, 125, 126, 65535, 65536, LIMIT])
def test_every_length_is_read(size: int) -> None:
    data = bytes(n % 251 for n in range(size))
    assert read(masked(1, data)) == [Message(Opcode.TEXT, data)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 9, 10]),
            st.binary(max_size=125),
            st.binary(min_size=4, max_size=4),
        ),
        max_size=6,
    ),
    st.lists(st.integers(0, 900), max_size=8),
)
def test_cuts_do_not_matter(frames: list[tuple[int, bytes, bytes]], cuts: list[int]) -> None:
    whole = b"".join(masked(code, data, mask=mask) for code, data, mask in frames)
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(places)]
    assert read(*pieces) == [Message(Opcode(code), data) for code, data, _ in frames]


def test_fragments_are_joined_and_control_frames_come_between() -> None:
    found = read(
        masked(1, b"one ", final=False)
        + masked(9, b"ping")
        + masked(0, b"two ", final=False)
        + masked(0, b"three")
        + masked(2, b"next")
    )
    assert [m for m in found if m.opcode is not Opcode.CONTINUATION] == [
        Message(Opcode.PING, b"ping"),
        Message(Opcode.TEXT, b"one two three"),
        Message(Opcode.BINARY, b"next"),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(Opcode.TEXT, b"unmasked"), PROTOCOL_ERROR),
        (masked(1, b"x", rsv=4), PROTOCOL_ERROR),
        (masked(3, b"x"), PROTOCOL_ERROR),
        (masked(11, b"x"), PROTOCOL_ERROR),
        (masked(0, b"x"), PROTOCOL_ERROR),
        (masked(1, b"x", final=False) + masked(1, b"y"), PROTOCOL_ERROR),
        (masked(9, b"x", final=False), PROTOCOL_ERROR),
        (masked(9, b"x" * 126), PROTOCOL_ERROR),
        (masked(1, b"x" * (LIMIT + 1)), TOO_BIG),
        (masked(1, b"x" * (LIMIT + 1))[:10], TOO_BIG),
        (masked(1, b"x" * LIMIT, final=False) + masked(0, b"x"), TOO_BIG),
        (b"\x81\xff" + b"\xff" * 8, TOO_BIG),
    ],
)
def test_E7_what_breaks_the_protocol_is_refused(data: bytes, code: int) -> None:
    with pytest.raises(FrameError) as error:
        read(data)
    assert error.value.code == code


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_what_is_written_says_its_length(size: int) -> None:
    written = frame(Opcode.TEXT, b"x" * size)
    assert written[0] == 0x81
    assert len(written) == size + (2 if size < 126 else 4 if size < 65536 else 10)
    # masking is all that a client's frame differs in
    head = len(written) - size
    as_client = written[:1] + bytes((written[1] | 0x80,)) + written[2:head] + b"\0\0\0\0"
    assert read(as_client + written[head:]) == [Message(Opcode.TEXT, b"x" * size)]
