"""The native producer, and the message that it sends."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING

from homeserver.infrastructure.rocketmq import native

if TYPE_CHECKING:
    from pathlib import Path

SEND_TIMEOUT_MS = 1000
LARGEST_MESSAGE = 4 * 1024 * 1024
_GROUP = "firn_workers"
_numbers = count(1)


class Producer:
    """A started native producer; blocks, and belongs to one thread."""

    def __init__(self, namesrv: str, home: Path) -> None:
        """Start it; raises what rocketmq-client-python raises, or NoLibraryError."""
        client = native.load()
        self._message = client.Message
        self._library = native.functions()
        self._native = client.Producer(_GROUP)
        handle = self._native._handle  # noqa: SLF001 (it has no other way to these)
        with native.logs_below(home):
            self._library.SetProducerLogLevel(handle, native.LOG_LEVEL)
            self._library.SetProducerLogFileNumAndSize(handle, *native.LOG_FILES)
        self._library.SetProducerInstanceName(handle, instance_name("p"))
        # Zipping costs more time than loopback or a data centre's network.
        native.call_if_there("SetProducerCompressMsgBodyOverHowmuch", handle, LARGEST_MESSAGE)
        self._native.set_name_server_address(namesrv)
        self._native.set_timeout(SEND_TIMEOUT_MS)
        self._native.set_max_message_size(LARGEST_MESSAGE)
        self._native.start()

    def send(self, topic: str, body: bytes) -> None:
        """Return when the broker has the message; raises what the package raises."""
        message = self._message(topic)
        try:
            self._library.SetByteMessageBody(message, body, len(body))
            self._native.send_sync(message)
        finally:
            self._library.DestroyMessage(message)  # the package never does

    def close(self) -> None:
        """Shut down and free it."""
        self._native.shutdown()
        self._library.DestroyProducer(self._native._handle)  # noqa: SLF001


def instance_name(kind: str) -> bytes:
    """Return a name that no other client of this machine has."""
    return f"firn-{kind}-{os.getpid()}-{next(_numbers)}".encode()
