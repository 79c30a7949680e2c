"""What push rules ask about the reader and the room, beside the event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_NOTIFICATION_LEVEL = 50


@dataclass(frozen=True, slots=True)
class PushContext:
    """The reader, and the room as it was at the event.

    `display_name` is the reader's in the room; `notification_levels` is `notifications` of
    the power levels. A creator's infinite power (room version 12) is a `sender_power_level`
    above every integer that JSON allows.
    """

    user_id: str
    display_name: str | None = None
    room_member_count: int = 0
    sender_power_level: float = 0
    notification_levels: Mapping[str, int] = field(default_factory=dict)

    def sender_may_notify(self, key: str) -> bool:
        """Whether the sender's power reaches what `key` (as in `room` for @room) asks."""
        required = self.notification_levels.get(key, DEFAULT_NOTIFICATION_LEVEL)
        return self.sender_power_level >= required
