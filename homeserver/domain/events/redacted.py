"""The redacted copy of an event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from homeserver.domain.events.redaction import redact, redaction_target
from homeserver.domain.shared.canonical_json import decode_object, encode_canonical

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.versions import RoomVersion


def redacted_event(event: Event, version: RoomVersion, by: Event | None = None) -> Event:
    """Make the redacted copy: same id, same signatures, only what the version protects.

    For an event that the redaction `by` hit, and for one whose content hash does not match.
    """
    pdu = redact(decode_object(event.json), version)
    return replace(
        event,
        content=pdu["content"],
        json=encode_canonical(pdu),
        redacts=redaction_target(pdu, version),
        redacted_because=by,
    )
