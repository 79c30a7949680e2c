"""What a room has beside its line: strays, gaps, and the states of its branches."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import StateKey
    from homeserver.domain.rooms.timeline import TimelineEvent

StateMap = dict["StateKey", str]


class Standing(IntEnum):
    """Why an event has no place in the log; the numbers are stored."""

    OUTLIER = 0
    SOFT_FAILED = 1
    REJECTED = 2


@dataclass(frozen=True, slots=True)
class Stray:
    """An event without a place; `rule` and `reason` say why it was refused, if it was.

    `state_ref` is the group of the state after it; None where that is not known (outliers).
    """

    event: Event
    standing: Standing
    rule: str = ""
    reason: str = ""
    state_ref: int | None = None


@dataclass(frozen=True, slots=True)
class StateGroup:
    """The state after an event of a branch: the room's line at revision `base_rev`, changed.

    In `delta` None means that the key has no value. A revision of the line never changes.
    """

    nid: int
    base_rev: int
    delta: Mapping[StateKey, str | None]


@dataclass(frozen=True, slots=True)
class StateAt:
    """The state after an event by event ids, and the group that it is stored as, if any."""

    ids: StateMap
    ref: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in the log just before what stands behind event (seq, 0).

    `missing` are the events that would fill it, `back` is the oldest position behind `seq`
    that is taken (0: none), `notify_ord` the room's ordinal before `seq`. Once all are there `missing` is empty and the gap a seam: still
    nobody may be told of the events on both its sides as if nothing were between them.
    """

    missing: tuple[str, ...]
    notify_ord: int
    back: int = 0


@dataclass(slots=True)
class Branches:
    """What a batch adds to one room beside its line.

    `history` are events that arrived late, at positions (n, -k). `states` is the state after
    those events of the batch where it is not the line's, `pinned` maps room positions whose
    events stood for the line, before the line moved under them, to their group.
    """

    history: list[TimelineEvent] = field(default_factory=list)
    strays: dict[str, Stray] = field(default_factory=dict)
    placed: list[str] = field(default_factory=list)
    groups: list[StateGroup] = field(default_factory=list)
    gaps: dict[int, Gap] = field(default_factory=dict)
    states: dict[str, StateAt] = field(default_factory=dict)
    pinned: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Branches:
        """Return what `undo` may go back to."""
        return Branches(
            list(self.history),
            dict(self.strays),
            list(self.placed),
            list(self.groups),
            dict(self.gaps),
            dict(self.states),
            dict(self.pinned),
        )


def difference(state: StateMap, base: StateMap) -> dict[StateKey, str | None]:
    """What to change in `base` to have `state`."""
    changed: dict[StateKey, str | None] = {k: v for k, v in state.items() if base.get(k) != v}
    changed.update((key, None) for key in base if key not in state)
    return changed
