"""Which children of an event a reader may know of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeserver.application.ports.relation_store import Sight

if TYPE_CHECKING:
    from homeserver.application.ports.relation_store import Place
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.visibility import VisibilityWindow

MAX_SPANS: Final = 8
"""Of a room that was entered and left more often, the newest visible stretches count."""
BEGINNING: Final[Place] = (0, 0)
Span = tuple["Place", "Place"]


def whole_sight(room: Room, until: int, ignored: frozenset[str] = frozenset()) -> Sight:
    """Everything up to a position, but for what was purged."""
    return Sight(((room.floor.bound, (until, 1)),), ignored)


def sight_of(
    room: Room, window: VisibilityWindow[float], until: int, ignored: frozenset[str]
) -> Sight:
    """What a window shows up to a position, without what ignored users sent."""
    if window.sees_everything:
        return whole_sight(room, until, ignored)
    spans: list[Span] = []
    for begin, before in _visible(window):
        after, end = max(begin, room.floor.bound), min(before, (until, 1))
        if after >= end:
            continue
        if spans and after < spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((after, end))
    return Sight(tuple(spans[-MAX_SPANS:]), ignored)


def _visible(window: VisibilityWindow[float]) -> list[Span]:
    """The stretches between and at the edges that may be seen; neighbours overlap."""
    found: list[Span] = []
    last = 0.0
    for edge in window.edges:
        here = int(edge)
        if window.sees((last + edge) / 2):
            found.append(((int(last), 0), (here, 0)))
        if window.sees(edge):
            found.append(((here, -1), (here, 1)))
        last = edge
    if window.sees(last + 0.75):
        found.append(((int(last), 0), (1 << 32, 0)))
    return found
