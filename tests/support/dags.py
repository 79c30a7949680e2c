"""Reads recorded rooms; `tests/golden/dags/README.md` describes the format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeserver.domain.events.parse import parse_event
from homeserver.domain.rooms.versions import ROOM_VERSIONS

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.versions import RoomVersion

FOLDER = Path(__file__).parent.parent / "golden" / "dags"


@dataclass(frozen=True)
class RecordedRoom:
    """One file: its events by name, and the ways in which they arrive."""

    name: str
    version: RoomVersion
    observer: str
    events: dict[str, Event]
    orders: dict[str, dict[str, Any]]

    def ids(self, names: list[str]) -> list[str]:
        """The event ids of these names."""
        return [self.events[name].event_id for name in names]

    def names(self, event_ids: list[str]) -> list[str]:
        """The names of these event ids."""
        known = {event.event_id: name for name, event in self.events.items()}
        return [known[event_id] for event_id in event_ids]


def recorded_orders() -> list[tuple[str, str]]:
    """All (room, order) pairs."""
    names = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
    return [(name, order) for name in names for order in load_dag(name).orders]


def load_dag(name: str) -> RecordedRoom:
    """Read one file."""
    text = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    header, *lines = [json.loads(line) for line in text.splitlines()]
    version = ROOM_VERSIONS[header["version"]]
    events = {line["id"]: parse_event(line["pdu"], version) for line in lines if "id" in line}
    orders = {line["order"]: line for line in lines if "order" in line}
    return RecordedRoom(name, version, header["observer"], events, orders)
