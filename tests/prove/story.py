"""Minimal histories: of a whole run, the few lines that a violation is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.prove.token import vector_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tests.prove.history import Answer, Attempt, Fault, History

AROUND_SECONDS = 1.0
"""How long before the first line and after the last a fault may have been."""
MOST_IDS = 6
NOWHERE = (0, 0)


@dataclass(slots=True)
class Story:
    """Lines by time, made from a history."""

    history: History
    _lines: list[tuple[float, str]] = field(default_factory=list)

    def sending(self, event_id: str) -> Story:
        """How an event came to be: its errand's attempts."""
        label = next((a.label for a in self.history.acknowledged() if a.event_id == event_id), "")
        return self.errand(label)

    def errand(self, label: str) -> Story:
        """All attempts of an errand."""
        for attempt in self.history.attempts:
            if label and attempt.label == label:
                self._lines.append((attempt.began, _attempt(attempt)))
        return self

    def answers(self, answers: Iterable[Answer], room: str = "", *events: str) -> Story:
        """What a device was answered; of a room only its ends and these events are told."""
        for answer in answers:
            self._lines.append((answer.at, _answer(answer, room, events)))
        return self

    def line(self, at: float, text: str) -> Story:
        """Anything else."""
        self._lines.append((at, text))
        return self

    def told(self) -> tuple[str, ...]:
        """The lines, with the faults around them."""
        found = set(self._lines)
        if found:
            first = min(at for at, _ in found) - AROUND_SECONDS
            last = max(at for at, _ in found) + AROUND_SECONDS
            found |= {
                (fault.began, _fault(fault))
                for fault in self.history.faults
                if fault.began <= last and fault.ended >= first
            }
        return tuple(f"{at:9.3f} s  {text}" for at, text in sorted(found))


def around(history: History, device: str, room: str, events: Collection[str]) -> list[Answer]:
    """The answers that brought a device one of these events, and those which it lost then."""
    answers = history.answers[device]
    hits = [i for i, a in enumerate(answers) if room in a.rooms and _brings(a, room, events)]
    if not hits:
        return answers[-2:]
    return (
        answers[hits[0] : hits[-1] + 1]
        if hits[-1] - hits[0] < MOST_IDS
        else [answers[i] for i in hits]
    )


def crossing(history: History, device: str, place: tuple[int, int]) -> list[Answer]:
    """The answers that went past a place in the writers' logs: what stands there was in them."""
    return [
        answer
        for answer in history.answers[device]
        if place != NOWHERE
        and vector_of(answer.token).covers(*place)
        and not (answer.since and vector_of(answer.since).covers(*place))
    ]


def _brings(answer: Answer, room: str, events: Collection[str]) -> bool:
    return any(event in events for event in answer.rooms[room].events)


def _attempt(attempt: Attempt) -> str:
    took = attempt.ended - attempt.began
    said = f"acknowledged as {attempt.event_id}" if attempt.event_id else attempt.outcome
    return f"send {attempt.label} to {attempt.worker}: {said} after {took:.3f} s"


def _fault(fault: Fault) -> str:
    return f"fault {fault.kind} of {fault.target}, for {fault.ended - fault.began:.3f} s"


def _answer(answer: Answer, room: str, events: Collection[str]) -> str:
    fate = "" if answer.taken else ", lost on purpose"
    head = f"{answer.device} by {answer.transport} from {answer.worker}{fate}"
    span = f"since {_positions(answer.since)} until {_positions(answer.token)}"
    portion = answer.rooms.get(room)
    if portion is None:
        return f"{head}: {span}"
    limited = f", limited, {len(portion.filled)} fetched" if portion.limited else ""
    return f"{head}: {span}{limited}: {_ids(portion.events, events)}"


def _positions(token: str) -> str:
    if not token:
        return "the beginning"
    return " ".join(f"{slot}:{pos}" for slot, pos in vector_of(token))


def _ids(ids: tuple[str, ...], events: Collection[str]) -> str:
    if len(ids) <= MOST_IDS:
        return " ".join(ids)
    wanted = {0, len(ids) - 1}
    for i, event_id in enumerate(ids):
        if event_id in events:
            wanted |= {max(0, i - 1), i, min(len(ids) - 1, i + 1)}
    return " … ".join(ids[i] for i in sorted(wanted)) + f" ({len(ids)} events)"
