from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.infrastructure.rocketmq.names import is_earlier_life, topic_of


def test_a_plain_worker_id_is_the_topic() -> None:
    assert topic_of("main-17") == "push_main-17"


@given(st.text(max_size=300))
def test_every_worker_id_has_a_topic_that_rocketmq_takes(worker: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,127}", topic_of(worker))


@given(st.text(max_size=20), st.text(max_size=20))
def test_different_workers_have_different_topics(one: str, other: str) -> None:
    assert (topic_of(one) == topic_of(other)) == (one == other)


@pytest.mark.parametrize(
    ("topic", "own", "earlier"),
    [
        ("main-1", "main-2", True),
        ("main-9", "main-10", True),
        ("host.a-1", "host.a-2", True),
        ("host.b-1", "host.a-2", False),
        ("main-2", "main-2", False),
        ("main-3", "main-2", False),
        ("other-1", "main-2", False),
        ("main-1", "main-1-2", False),
        ("main-1-1", "main-2", False),
        ("main", "main-2", False),
    ],
)
def test_only_earlier_lives_of_the_same_name_are_swept(topic: str, own: str, earlier: bool) -> None:
    assert is_earlier_life(topic_of(topic), topic_of(own)) is earlier
