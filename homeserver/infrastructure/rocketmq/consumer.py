"""The native consumer of one topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.infrastructure.rocketmq import native
from homeserver.infrastructure.rocketmq.names import group_of
from homeserver.infrastructure.rocketmq.producer import instance_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any


class Consumer:
    """A started native consumer, alone in its group; blocks.

    The topic must exist before: else the first message takes 30 s.
    """

    def __init__(
        self, namesrv: str, topic: str, home: Path, receive: Callable[[bytes], None]
    ) -> None:
        """Start it; `receive` is called in its thread and must not raise."""
        client = native.load()
        self._library = native.functions()
        self._native = client.PushConsumer(group_of(topic))
        self._done = client.ConsumeStatus.CONSUME_SUCCESS
        self._receive = receive
        handle = self._native._handle  # noqa: SLF001 (it has no other way to these)
        with native.logs_below(home):
            self._library.SetPushConsumerLogLevel(handle, native.LOG_LEVEL)
            self._library.SetPushConsumerLogFileNumAndSize(handle, *native.LOG_FILES)
        self._native.set_name_server_address(namesrv)
        self._native.set_instance_name(instance_name("c").decode())
        self._native.set_thread_count(1)  # several would reorder
        self._native.subscribe(topic, self._on_message)
        self._native.start()

    def close(self) -> None:
        """Shut it down; it reads no more when this returns."""
        self._native.shutdown()
        self._library.DestroyPushConsumer(self._native._handle)  # noqa: SLF001

    def _on_message(self, message: Any) -> Any:
        self._receive(message.body or b"")
        return self._done
