"""The sender's thread over a broker that does as a test says."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.rocketmq import sender as module
from homeserver.infrastructure.rocketmq.messages import frames_of, ping_moment
from homeserver.infrastructure.rocketmq.sender import Sender
from homeserver.infrastructure.telemetry.metrics import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Broker:
    """Takes messages, except for topics that are down; may hold the sender up."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.down: set[str] = set()
        self.attempts = 0
        self.connections = 0
        self.closed = 0
        self.open = threading.Event()
        self.open.set()

    def connect(self) -> Broker:
        self.connections += 1
        if self.connections == 1:
            raise ConnectionError("not yet")
        return self

    def send(self, topic: str, body: bytes) -> None:
        self.attempts += 1
        assert self.open.wait(10)
        if topic in self.down:
            raise ConnectionError(topic)
        self.messages.append((topic, body))

    def close(self) -> None:
        self.closed += 1

    def heard(self, topic: str) -> list[bytes]:
        """The frames of a topic."""
        bundles = [m for t, m in self.messages if t == topic and ping_moment(m) is None]
        return [frame for body in bundles for frame in frames_of(body)]


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def sender(broker: Broker) -> Iterator[Sender]:
    made = Sender(broker.connect, SystemClock())  # type: ignore[arg-type]
    made.start()
    yield made
    broker.open.set()
    made.close(0, 5)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def figure(fate: str) -> float:
    """How many frames had this fate."""
    return REGISTRY.get_sample_value("firn_bus_frames_total", {"fate": fate}) or 0


def test_what_waits_goes_as_one_message(broker: Broker, sender: Sender) -> None:
    sent = figure("sent")
    broker.open.clear()
    sender.post("one", b"0")
    until(lambda: broker.attempts)
    for n in range(1, 100):
        sender.post("one", b"%d" % n)
    broker.open.set()
    until(lambda: len(broker.heard("one")) == 100)
    assert broker.heard("one") == [b"%d" % n for n in range(100)]
    assert len(broker.messages) == 2
    until(lambda: figure("sent") == sent + 100)


def test_a_bundle_has_a_largest_size(broker: Broker, sender: Sender) -> None:
    broker.open.clear()
    for n in range(10):
        sender.post("one", bytes([n]) * 100_000)
    broker.open.set()
    until(lambda: len(broker.heard("one")) == 10)
    assert max(len(frames_of(body)) for _, body in broker.messages) == 2


def test_a_failing_topic_is_tried_again_in_order_and_holds_up_nobody(
    broker: Broker, sender: Sender
) -> None:
    broker.down = {"dead"}
    for n in range(20):
        sender.post("dead", b"%d" % n)
        sender.post("well", b"%d" % n)
    until(lambda: len(broker.heard("well")) == 20)
    until(lambda: sender.is_failing("dead"))
    assert not sender.is_failing("well")
    broker.down = set()
    until(lambda: len(broker.heard("dead")) == 20)
    assert broker.heard("dead") == broker.heard("well") == [b"%d" % n for n in range(20)]


def test_a_failing_topic_is_tried_ever_more_rarely(broker: Broker, sender: Sender) -> None:
    broker.down = {"dead"}
    sender.post("dead", b"x")
    time.sleep(1.5)
    assert 5 <= broker.attempts <= 10


def test_a_topic_that_fails_for_long_is_forgotten(
    broker: Broker, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GIVE_UP_S", 0.3)
    expired = figure("expired")
    broker.down = {"dead"}
    sender.post("dead", b"old")
    until(lambda: sender.is_failing("dead"))
    until(lambda: not sender.is_failing("dead"))
    attempts = broker.attempts
    time.sleep(0.6)
    assert broker.attempts == attempts
    assert figure("expired") == expired + 1
    broker.down = set()
    sender.post("dead", b"new")
    until(lambda: broker.heard("dead") == [b"new"])


def test_a_ping_goes_first_and_is_never_two(broker: Broker, sender: Sender) -> None:
    broker.open.clear()
    sender.post("other", b"x")
    until(lambda: broker.attempts)
    sender.post("one", b"x")
    for _ in range(5):
        sender.ping("one")
    broker.open.set()
    until(lambda: broker.heard("one"))
    kinds = [ping_moment(body) is not None for topic, body in broker.messages if topic == "one"]
    assert kinds == [True, False]


def test_a_renewed_sender_connects_anew_and_loses_nothing(broker: Broker, sender: Sender) -> None:
    sender.post("one", b"1")
    until(lambda: broker.heard("one") == [b"1"])
    connections = broker.connections
    sender.renew()
    sender.post("one", b"2")
    until(lambda: broker.heard("one") == [b"1", b"2"])
    assert (broker.connections, broker.closed) == (connections + 1, 1)


def test_closing_flushes_then_closes_the_client(broker: Broker, sender: Sender) -> None:
    broker.down = {"dead"}
    sender.post("dead", b"x")
    for n in range(100):
        sender.post("one", b"%d" % n)
    assert sender.close(0.5, 5)
    assert len(broker.heard("one")) == 100
    assert broker.closed == 1
    sender.post("one", b"late")
    assert b"late" not in broker.heard("one")


def test_closing_says_when_the_client_holds_its_thread(broker: Broker, sender: Sender) -> None:
    broker.open.clear()
    sender.post("one", b"x")
    until(lambda: broker.attempts)
    assert not sender.close(0.1, 0.1)
