"""Frames between workers: only those of this cluster and version are opened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.application.delivery.frames import VERSION, BadFrameError, Frames

KEY = b"the key of the cluster"


@given(st.integers(0, 255), st.binary())
def test_a_frame_opens_to_what_was_sealed(kind: int, payload: bytes) -> None:
    assert Frames(KEY).open(Frames(KEY).seal(kind, payload)) == (kind, payload)


@given(st.binary(), st.data())
def test_a_frame_with_one_bit_changed_is_refused(payload: bytes, data: st.DataObject) -> None:
    frame = bytearray(Frames(KEY).seal(1, payload))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BadFrameError):
        Frames(KEY).open(bytes(frame))


@given(st.binary(max_size=80))
def test_garbage_is_refused(frame: bytes) -> None:
    with pytest.raises(BadFrameError):
        Frames(KEY).open(bytes((VERSION,)) + frame)


def test_another_clusters_frame_is_refused() -> None:
    with pytest.raises(BadFrameError):
        Frames(KEY).open(Frames(b"another key").seal(1, b"x"))


def test_there_is_no_cluster_without_a_key() -> None:
    with pytest.raises(ValueError, match="empty"):
        Frames(b"")
