"""I1 and I3 on devices: each has seen a room's events, each once, in the room's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.prove.story import Story, around, crossing
from tests.prove.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.prove.history import History
    from tests.prove.truth import Placed, Truth


def check_delivered(history: History, truth: Truth) -> Iterator[Violation]:
    """Every device of a settled user, in every room; its record begins with its first answer."""
    for device, user in truth.users.items():
        if user not in truth.settled:
            continue
        for room, events in truth.rooms.items():
            yield from _Record(history, device, room, events).check(truth.visible(room, user))


class _Record:
    """What a device saw of a room."""

    def __init__(self, history: History, device: str, room: str, events: Sequence[Placed]) -> None:
        self._history = history
        self._device = device
        self._room = room
        self._places = {event.event_id: event.place for event in events}
        taken = history.taken(device)
        self._ids = [e for a in taken if room in a.rooms for e in a.rooms[room].events]

    def check(self, order: Sequence[str]) -> Iterator[Violation]:
        """Compare with the room's log."""
        place = {event_id: i for i, event_id in enumerate(order)}
        if not self._ids:
            yield self._violation("I1 missed", f"saw nothing of {self._room}")
            return
        seen: set[str] = set()
        furthest = -1
        for event_id in self._ids:
            at = place.get(event_id, -1)
            if event_id in seen:
                yield self._violation("I1 doubled", f"was told {event_id} twice", event_id)
            elif at < 0:
                yield self._violation("I3", f"was told {event_id}, which is not there", event_id)
            elif at < furthest:
                late = f"was told {event_id} after {order[furthest]}, which follows it"
                yield self._violation("I3 order", late, event_id, order[furthest])
            seen.add(event_id)
            furthest = max(furthest, at)
        yield from self._missed(order, place.get(self._ids[0], 0), seen)

    def _missed(self, order: Sequence[str], start: int, seen: set[str]) -> Iterator[Violation]:
        for i in range(start, len(order)):
            if order[i] not in seen:
                near = [e for e in (*order[i - 1 : i], *order[i + 1 : i + 2]) if e in seen]
                what = f"was never told {order[i]} of {self._room}"
                yield self._violation("I1 missed", what, *near, sent=order[i])

    def _violation(self, rule: str, what: str, *events: str, sent: str = "") -> Violation:
        story = Story(self._history)
        for event_id in (sent, *events):
            story.sending(event_id)
        found = around(self._history, self._device, self._room, events)
        if sent:
            found += crossing(self._history, self._device, self._places[sent])
        story.answers(found, self._room, *events)
        return Violation(rule, f"{self._device} {what}", story.told())
