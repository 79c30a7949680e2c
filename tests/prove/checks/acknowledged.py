"""I1, I2 and order: what was acknowledged is in the room, once, where its writer put it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.prove.history import LETTER, REDACTION, STATE
from tests.prove.story import Story
from tests.prove.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.prove.history import History
    from tests.prove.truth import Placed, Truth


def check_acknowledged(history: History, truth: Truth) -> Iterator[Violation]:
    """All of it."""
    yield from _one_id(history)
    for room, events in truth.rooms.items():
        yield from _is_there(history, room, events)
        yield from _is_once(history, room, events)
        yield from _is_in_order(history, room, events)
        yield from _is_redacted(history, room, events)


def _one_id(history: History) -> Iterator[Violation]:
    """I2: a transaction is one event, an event one transaction."""
    ids: dict[str, str] = {}
    labels: dict[str, str] = {}
    for attempt in history.acknowledged():
        label, event_id = attempt.label, attempt.event_id
        if history.errands[label].kind == LETTER:
            continue
        if ids.setdefault(label, event_id) != event_id:
            what = f"{label} was acknowledged as {ids[label]} and as {event_id}"
            yield Violation("I2", what, Story(history).errand(label).told())
        if labels.setdefault(event_id, label) != label:
            what = f"{event_id} was the answer to {labels[event_id]} and to {label}"
            story = Story(history).errand(label).errand(labels[event_id])
            yield Violation("I2", what, story.told())


def _is_there(history: History, room: str, events: list[Placed]) -> Iterator[Violation]:
    known = {event.event_id for event in events}
    for attempt in history.acknowledged():
        errand = history.errands[attempt.label]
        if errand.room == room and errand.kind != LETTER and attempt.event_id not in known:
            what = f"{attempt.label} was acknowledged as {attempt.event_id} and is not in {room}"
            yield Violation("I1 lost", what, Story(history).errand(attempt.label).told())


def _is_once(history: History, room: str, events: list[Placed]) -> Iterator[Violation]:
    ids: set[str] = set()
    labels: dict[str, str] = {}
    for event in events:
        if event.event_id in ids:
            story = Story(history).sending(event.event_id)
            yield Violation("I1 doubled", f"{event.event_id} is twice in {room}", story.told())
        ids.add(event.event_id)
        errand = history.errands.get(event.label)
        if errand is None or errand.kind == STATE:
            continue
        first = labels.setdefault(event.label, event.event_id)
        if first != event.event_id:
            what = f"{event.label} is in {room} as {first} and as {event.event_id}"
            yield Violation("I1 doubled", what, Story(history).errand(event.label).told())


def _is_in_order(history: History, room: str, events: list[Placed]) -> Iterator[Violation]:
    """A writer waits for each acknowledgement, so its numbers rise."""
    last: defaultdict[str, int] = defaultdict(int)
    labels = {attempt.event_id: attempt.label for attempt in history.acknowledged()}
    for event in events:
        errand = history.errands.get(labels.get(event.event_id, ""))
        if errand is None or errand.kind == STATE:
            continue
        before = last[errand.writer]
        if errand.number < before:
            what = f"{errand.label} comes after {errand.writer}#{before} in {room}"
            story = Story(history).errand(errand.label).errand(f"{errand.writer}#{before}")
            yield Violation("I1 order", what, story.told())
        last[errand.writer] = max(before, errand.number)


def _is_redacted(history: History, room: str, events: list[Placed]) -> Iterator[Violation]:
    redacted = {event.event_id for event in events if event.redacted}
    for attempt in history.acknowledged():
        errand = history.errands[attempt.label]
        if errand.room == room and errand.kind == REDACTION and errand.target not in redacted:
            what = f"{errand.target} shows in {room} although {errand.label} redacted it"
            yield Violation("I1 redaction", what, Story(history).errand(errand.label).told())
