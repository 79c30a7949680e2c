from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.infrastructure.rocketmq.messages import (
    MalformedError,
    bundle,
    frames_of,
    ping,
    ping_moment,
)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_a_bundle_carries_any_frames_without_a_nul(frames: list[bytes]) -> None:
    body = bundle(frames)
    assert b"\0" not in body
    assert frames_of(body) == frames
    assert ping_moment(body) is None


@given(st.floats(min_value=0, max_value=1e9))
def test_a_ping_carries_its_moment(moment: float) -> None:
    assert ping_moment(ping(moment)) == moment


@pytest.mark.parametrize(
    "body", [b"", b"x", b"f!", b"fAAA", b"fAAAABQ==", b"g" + bundle([b"a"])[1:], b"fAAAAAQ\n=="]
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        frames_of(body)


@pytest.mark.parametrize("body", [b"", b"p", b"pnow", b"1.0"])
def test_what_is_no_ping_has_no_moment(body: bytes) -> None:
    assert ping_moment(body) is None


@given(st.binary(max_size=100))
def test_noise_is_refused_or_read_and_nothing_else(body: bytes) -> None:
    with suppress(MalformedError):
        assert bundle(frames_of(b"f" + body)) == b"f" + body
    moment = ping_moment(b"p" + body)
    assert moment is None or isinstance(moment, float)
