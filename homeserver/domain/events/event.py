"""One room event (PDU) as the rules and the store see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.domain.shared.json import JsonObject


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a room, immutable.

    `json` is the canonical JSON of the whole PDU as it is stored and federated (UTF-8,
    with `hashes`, with `signatures` when there are any, without `event_id` and
    `unsigned`). The other fields are read from it once. Timestamps are milliseconds
    since the Unix epoch. `redacts` is the target of an `m.room.redaction`, wherever the
    room version keeps it. `redacted_because` is the redaction that stripped an event of a
    room's state; it is no part of the event.
    """

    event_id: str
    room_id: str
    type: str
    state_key: str | None
    sender: str
    content: JsonObject
    origin_server_ts: int
    depth: int
    auth_events: tuple[str, ...]
    prev_events: tuple[str, ...]
    json: bytes
    redacts: str | None = None
    redacted_because: Event | None = field(default=None, compare=False, repr=False)

    @property
    def raw_content(self) -> bytes | None:
        """The content's canonical JSON, where it is at hand."""
        return None

    @property
    def is_state(self) -> bool:
        """Whether this event sets state."""
        return self.state_key is not None

    @property
    def membership(self) -> str | None:
        """The `membership` of a member event's content, where it is a string."""
        value = self.content.get("membership")
        return value if isinstance(value, str) else None
