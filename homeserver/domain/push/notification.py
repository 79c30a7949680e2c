"""What a push gateway is told (Push Gateway API, `POST /_matrix/push/v1/notify`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.domain.events.event import Event
    from homeserver.domain.shared.json import JsonObject

EVENT_ID_ONLY: Final = "event_id_only"
ENCRYPTED: Final = "m.room.encrypted"
HIGH: Final = "high"
LOW: Final = "low"
MAX_CONTENT: Final = 16 * 1024
"""Bytes of content that are passed on; phones show a few lines of it."""


class Counts(NamedTuple):
    """What a user has not acknowledged in all rooms."""

    unread: int = 0
    missed_calls: int = 0


@dataclass(frozen=True, slots=True)
class Device:
    """Where a notification goes: a pusher, and how the device is to show it.

    `created_ts` is in milliseconds, `data` the pusher's own.
    """

    app_id: str
    pushkey: str
    created_ts: int
    data: JsonObject

    @property
    def is_brief(self) -> bool:
        """Whether the pusher wants ids only."""
        return self.data.get("format") == EVENT_ID_ONLY


@dataclass(frozen=True, slots=True)
class Told:
    """An event as its reader is told of it; `None` is left out."""

    event: Event
    reader: str
    tweaks: Mapping[str, Any]
    sender_name: str | None
    room_name: str | None
    room_alias: str | None


def badge(counts: Counts, device: Device) -> dict[str, Any]:
    """The body that brings a device's counts up to date, and nothing else."""
    return {"notification": {"prio": LOW, **_counts(counts), **_devices(device, {})}}


def notification(told: Told, counts: Counts, device: Device) -> dict[str, Any]:
    """The body about an event."""
    event = told.event
    body: dict[str, Any] = {
        "event_id": event.event_id,
        "room_id": event.room_id,
        "prio": priority(event, told.tweaks),
        **_counts(counts),
        **_devices(device, told.tweaks),
    }
    if not device.is_brief:
        body.update(_about(told))
    return {"notification": body}


def priority(event: Event, tweaks: Mapping[str, Any]) -> str:
    """How urgent: high for what sounds, highlights, or may do so once it is decrypted."""
    loud = tweaks.get("highlight") is True or "sound" in tweaks
    return HIGH if loud or event.type == ENCRYPTED else LOW


def _about(told: Told) -> dict[str, Any]:
    event = told.event
    about: dict[str, Any] = {"type": event.type, "sender": event.sender}
    names = {
        "sender_display_name": told.sender_name,
        "room_name": told.room_name,
        "room_alias": told.room_alias,
    }
    about.update({key: name for key, name in names.items() if name})
    if event.type == MEMBER:
        about["user_is_target"] = event.state_key == told.reader
    raw = event.raw_content
    if raw is None or len(raw) <= MAX_CONTENT:
        about["content"] = event.content
    return about


def _counts(counts: Counts) -> dict[str, Any]:
    return {"counts": {name: n for name, n in counts._asdict().items() if n}}


def _devices(device: Device, tweaks: Mapping[str, Any]) -> dict[str, Any]:
    data = {key: value for key, value in device.data.items() if key != "url"}
    found: dict[str, Any] = {
        "app_id": device.app_id,
        "pushkey": device.pushkey,
        "pushkey_ts": device.created_ts // 1000,
        "data": data,
    }
    if tweaks:
        found["tweaks"] = dict(tweaks)
    return {"devices": [found]}
