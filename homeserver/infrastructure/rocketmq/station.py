"""A worker's own topic and who reads it: made, renewed and removed. Everything blocks."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from homeserver.infrastructure.rocketmq.admin import Admin, RefusedError
from homeserver.infrastructure.rocketmq.consumer import Consumer
from homeserver.infrastructure.rocketmq.names import group_of, is_earlier_life, retry_topic_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = structlog.get_logger(__name__)
_ROUTE_TRIES = 100
_ROUTE_PAUSE_S = 0.02


class Station:
    """Used by one thread at a time."""

    def __init__(
        self, namesrv: str, topic: str, home: Path, receive: Callable[[bytes], None]
    ) -> None:
        """Nothing is made yet; `receive` is called in a thread of the native client."""
        self._namesrv = namesrv
        self._topic = topic
        self._home = home
        self._receive = receive
        self._admin = Admin(namesrv)
        self._consumer: Consumer | None = None
        self._pause = threading.Event()  # never set

    def open(self) -> None:
        """Make the topic and read it, anew where it is read already; raises OSError.

        The old reader goes first: while a broker starts, the native client asks it without a
        pause, which takes the processor that the broker needs to get ready.
        """
        self._hang_up()
        self._admin.create_topic(self._topic)
        self._wait_for_route()
        self._consumer = Consumer(self._namesrv, self._topic, self._home, self._receive)

    def sweep(self) -> None:
        """Delete what earlier lives of this worker left, so that nothing waits for them."""
        for topic in self._admin.topics():
            if is_earlier_life(topic, self._topic):
                log.info("bus.swept", topic=topic)
                self._delete(topic)

    def close(self) -> None:
        """Stop reading and delete the topic; a broker that cannot be reached keeps it."""
        self._hang_up()
        try:
            self._delete(self._topic)
        except OSError as error:
            log.warning("bus.topic_left_behind", topic=self._topic, reason=str(error))

    def _wait_for_route(self) -> None:
        """A reader that starts before the name server knows its topic hears nothing for 30 s."""
        for _ in range(_ROUTE_TRIES):
            if self._admin.has_route(self._topic):
                return
            self._pause.wait(_ROUTE_PAUSE_S)
        raise ConnectionError("the name server does not know the new topic")

    def _hang_up(self) -> None:
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            try:
                consumer.close()
            except Exception:
                log.exception("bus.consumer_not_closed")  # another one can be made all the same

    def _delete(self, topic: str) -> None:
        self._admin.delete_topic(topic)
        group = group_of(topic)
        with suppress(RefusedError):  # the broker makes it when it is first needed
            self._admin.delete_topic(retry_topic_of(group))
        self._admin.delete_group(group)
