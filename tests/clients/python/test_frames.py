"""The frames of the stream, without a socket."""

from __future__ import annotations

import json

import pytest

from firn_client import ForbiddenError, ProtocolError, UnknownTokenError
from firn_client.stream import End, ErrorFrame, SyncFrame, ack, decode, end, error


def test_a_frame_of_news_has_a_number_and_a_sync_body() -> None:
    frame = decode('{"type":"sync","seq":7,"body":{"next_batch":"s","rooms":{"join":{}}},"new":1}')
    assert isinstance(frame, SyncFrame)
    assert (frame.seq, frame.body.next_batch) == (7, "s")


def test_a_frame_of_an_unknown_type_is_nothing() -> None:
    assert decode('{"type":"later","x":1}') is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type":"sync"}', '{"type":"sync","seq":"1"}'])
def test_what_is_no_frame_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        decode(text)


def test_an_acknowledgement() -> None:
    assert json.loads(ack(7)) == {"type": "ack", "seq": 7}


def test_close_codes_say_what_follows() -> None:
    codes = (1000, 1001, 1006, 1011, 4008, 4503, None)
    assert {end(code) for code in codes} == {End.AGAIN}
    assert [end(c) for c in (4000, 4001, 4003, 4029)] == [
        End.REFUSED,
        End.TOKEN,
        End.FORBIDDEN,
        End.LIMITED,
    ]


def test_the_error_frame_is_the_reason() -> None:
    text = '{"type":"error","body":{"errcode":"M_UNKNOWN_TOKEN","error":"x","soft_logout":true}}'
    frame = decode(text)
    assert isinstance(frame, ErrorFrame)
    reason = error(End.TOKEN, frame.body)
    assert isinstance(reason, UnknownTokenError)
    assert reason.soft_logout
    assert isinstance(error(End.FORBIDDEN, None), ForbiddenError)
