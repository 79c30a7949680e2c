"""What happened in a run: what writers asked for, what devices were answered, what was broken.

All times are seconds since the run began. Pure data: the checks read nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MESSAGE: Final = "message"
STATE: Final = "state"
REDACTION: Final = "redaction"
LETTER: Final = "letter"
"""A to-device message; its room is the device that it is for."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a writer wants to have in a room: the `number`th since the run began.

    A writer begins one when the one before is acknowledged. State has no transaction id:
    sent again it may be there twice.
    """

    room: str
    writer: str
    number: int
    kind: str
    txn: str = ""
    target: str = ""

    @property
    def label(self) -> str:
        """Its name, which its event carries; nothing else in the run has it."""
        return f"{self.writer}#{self.number}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request for an errand; with an `event_id` it was acknowledged."""

    began: float
    ended: float
    label: str
    worker: str
    outcome: str
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Portion:
    """What an answer told of a room: its timeline, and what filled the gap before that."""

    ids: tuple[str, ...]
    limited: bool = False
    filled: tuple[str, ...] = ()

    @property
    def events(self) -> tuple[str, ...]:
        """All of it, in order."""
        return self.filled + self.ids


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device was told, by /sync or by a frame; one that is not `taken` it lost.

    `letters` are the labels of to-device messages.
    """

    at: float
    device: str
    worker: str
    transport: str
    since: str
    token: str
    rooms: Mapping[str, Portion] = field(default_factory=dict)
    letters: tuple[str, ...] = ()
    taken: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    """What was broken, from when to when."""

    began: float
    ended: float
    kind: str
    target: str


@dataclass(slots=True)
class History:
    """A run."""

    errands: dict[str, Errand] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    answers: defaultdict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    faults: list[Fault] = field(default_factory=list)
    deliveries: int = 0

    def want(self, errand: Errand) -> Errand:
        """Note an errand that begins."""
        self.errands[errand.label] = errand
        return errand

    def tell(self, answer: Answer) -> None:
        """Note an answer; its events count as deliveries, to-device messages too."""
        self.answers[answer.device].append(answer)
        self.deliveries += len(answer.letters)
        self.deliveries += sum(len(portion.events) for portion in answer.rooms.values())

    def acknowledged(self) -> Iterator[Attempt]:
        """The attempts that succeeded."""
        return (attempt for attempt in self.attempts if attempt.event_id)

    def taken(self, device: str) -> Iterator[Answer]:
        """What a device took in, in order."""
        return (answer for answer in self.answers[device] if answer.taken)
