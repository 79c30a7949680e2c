"""What the push role keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


LaneKey = tuple[int, bytes]
"""A pusher: (user's internal id, key)."""
BADGE = 0
"""The room of a notice that is about counts alone."""


@dataclass(frozen=True, slots=True)
class PushCursor:
    """How far the logs were followed, as the role's holder has it.

    `vector` is None before the first step ever; `notices` counts the numbers given out.
    """

    rev: int
    vector: Mapping[int, int] | None = None
    notices: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification that a pusher is owed: of the event (room, seq), or of counts alone.

    `number` orders all notices, `ts` is when it came about (milliseconds), `host` where the
    pusher's gateway is.
    """

    lane: LaneKey
    number: int
    room_nid: int
    seq: int
    ts: int
    host: str
    tweaks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_badge(self) -> bool:
        """Whether it is about counts alone."""
        return self.room_nid == BADGE


class Retry(NamedTuple):
    """How often a pusher's gateway failed in a row, and when it is asked again (ms)."""

    failures: int
    due_ts: int


class PushLog(Protocol):
    """Keeps how far the logs were followed, and what pushers are owed."""

    async def take(self) -> PushCursor | None:
        """Become the one process that pushes; None where another one does and lives."""
        ...

    async def is_held(self, cursor: PushCursor) -> bool:
        """Whether the role is still at this cursor."""
        ...

    async def store(self, cursor: PushCursor, notices: Sequence[Notice]) -> PushCursor:
        """Store notices and move the cursor on to `cursor`, in one transaction.

        Raises RoleLostError, and stores nothing, where the cursor is not the last one.
        """
        ...

    async def release(self, cursor: PushCursor) -> None:
        """Leave the role to whoever takes it next."""
        ...

    async def owed(self, limit: int) -> tuple[Sequence[Notice], Mapping[LaneKey, Retry]]:
        """The newest notices, oldest first, and how the pushers that failed stand."""
        ...

    async def settle(
        self, done: Collection[Notice], retries: Mapping[LaneKey, Retry | None]
    ) -> None:
        """Forget what was delivered or given up; note how pushers stand (None: well)."""
        ...
