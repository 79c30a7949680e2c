"""Transaction ids."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

REMEMBERED = 4096


class Transactions:
    """Ids of this process: never given twice, nor by another process of the same device."""

    def __init__(self, prefix: str) -> None:
        """Begin all with a prefix that no other process has."""
        self._prefix = prefix
        self._count = 0

    def next(self) -> str:
        """A new id."""
        self._count += 1
        return f"{self._prefix}.{self._count}"


class Answers:
    """Ids of answers to events, the same in every process of the device.

    The nth answer to an event always has the same id. So a bot that was killed, and gets an
    event again, may answer it again: the server sends the answer once.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()

    def begin(self, event_id: str) -> None:
        """The event is being read (again): its next answer is the first."""
        self._counts.pop(event_id, None)

    def next(self, event_id: str) -> str:
        """The id of the next answer to the event."""
        count = self._counts.get(event_id, 0) + 1
        self._counts[event_id] = count
        self._counts.move_to_end(event_id)
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        return f"re.{hashlib.sha256(event_id.encode()).hexdigest()[:32]}.{count}"
