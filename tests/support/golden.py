"""Reads golden rooms; `tests/golden/rooms/README.md` describes the format."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeserver.domain.rooms.versions import ROOM_VERSIONS, RoomVersion
from tests.support.rooms import MemoryEvents, make_event

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event

ROOMS = Path(__file__).parent.parent / "golden" / "rooms"


@dataclass(frozen=True)
class Resolution:
    """One expected resolution; a state set maps (type, state key) to event id."""

    version: RoomVersion
    sets: list[dict[tuple[str, str], str]]
    expected: dict[tuple[str, str], str]


@dataclass(frozen=True)
class GoldenRoom:
    """One file: its events in order, the rule that refuses each (None: allowed), and more."""

    version: RoomVersion
    events: list[Event]
    verdicts: dict[str, str | None]
    resolutions: list[Resolution]

    def source(self) -> MemoryEvents:
        """Return the events, those refused marked as rejected."""
        rejected = {event_id for event_id, rule in self.verdicts.items() if rule is not None}
        return MemoryEvents({event.event_id: event for event in self.events}, rejected)


def golden_rooms() -> list[str]:
    """Return the names of all golden rooms."""
    return sorted(path.stem for path in ROOMS.glob("*.jsonl"))


def load_golden(name: str) -> GoldenRoom:
    """Read one golden room."""
    text = (ROOMS / f"{name}.jsonl").read_text(encoding="utf-8")
    header, *lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    version = ROOM_VERSIONS[header["version"]]
    events = [_event(version, n, line) for n, line in enumerate(lines, 1) if "id" in line]
    keys = {event.event_id: (event.type, event.state_key or "") for event in events}
    return GoldenRoom(
        version=version,
        events=events,
        verdicts={line["id"]: line.get("verdict") for line in lines if "id" in line},
        resolutions=[_resolution(version, keys, line) for line in lines if "resolve" in line],
    )


def _event(version: RoomVersion, number: int, line: dict[str, Any]) -> Event:
    return make_event(
        line["id"],
        line["type"],
        line["sender"],
        room_id="!create" if version.room_id_is_create_hash else "!room:a.example",
        state_key=line.get("key"),
        content=line["content"],
        origin_server_ts=line.get("ts", number),
        depth=number,
        auth_events=tuple(line["auth"]),
        prev_events=tuple(line["prev"]),
    )


def _resolution(
    version: RoomVersion,
    keys: dict[str, tuple[str, str]],
    line: dict[str, Any],
) -> Resolution:
    return Resolution(
        version=replace(
            version,
            state_resolution=line.get("algorithm", version.state_resolution),
        ),
        sets=[{keys[event_id]: event_id for event_id in ids} for ids in line["resolve"]],
        expected={keys[event_id]: event_id for event_id in line["expect"]},
    )
