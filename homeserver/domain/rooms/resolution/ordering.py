"""The two orders of state resolution: reverse topological by power, and by the mainline."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.resolution.lookup import AuthLookup
    from homeserver.domain.rooms.resolution.source import EventSource

_Rank = tuple[float, int, str]


def by_power(events: EventSource, lookup: AuthLookup, event_ids: Collection[str]) -> list[Event]:
    """Sort in reverse topological power order (Kahn), earliest first.

    Events that cite each other in a circle have no place in any order and are left out:
    nothing could authorise them.
    """
    chosen = {event_id: events.get(event_id) for event_id in event_ids}
    waiting: dict[str, int] = {}
    cited_by: defaultdict[str, list[str]] = defaultdict(list)
    for event_id, event in chosen.items():
        inside = {cited for cited in event.auth_events if cited in chosen}
        waiting[event_id] = len(inside)
        for cited in inside:
            cited_by[cited].append(event_id)
    ready = [_rank(lookup, chosen[event_id]) for event_id, count in waiting.items() if not count]
    heapq.heapify(ready)
    ordered: list[Event] = []
    while ready:
        event_id = heapq.heappop(ready)[-1]
        ordered.append(chosen[event_id])
        for citing in cited_by[event_id]:
            waiting[citing] -= 1
            if not waiting[citing]:
                heapq.heappush(ready, _rank(lookup, chosen[citing]))
    return ordered


def _rank(lookup: AuthLookup, event: Event) -> _Rank:
    return (-lookup.sender_level(event), event.origin_server_ts, event.event_id)


def by_mainline(
    events: EventSource,
    lookup: AuthLookup,
    event_ids: Collection[str],
    power_levels: Event | None,
) -> list[Event]:
    """Sort by the mainline of `power_levels`, those of the oldest levels first."""
    positions = _mainline(lookup, power_levels)

    def rank(event: Event) -> _Rank:
        position = _mainline_position(lookup, positions, event)
        return (-position, event.origin_server_ts, event.event_id)

    return sorted(map(events.get, event_ids), key=rank)


def _mainline(lookup: AuthLookup, power_levels: Event | None) -> dict[str, float]:
    positions: dict[str, float] = {}
    while power_levels is not None and power_levels.event_id not in positions:
        positions[power_levels.event_id] = len(positions)
        power_levels = lookup.power_levels_of(power_levels)
    return positions


def _mainline_position(lookup: AuthLookup, positions: dict[str, float], event: Event) -> float:
    """Return the position of the first levels of the mainline under `event`; infinity for none.

    What lies between is entered in `positions`, so that each levels event is passed once.
    """
    position = math.inf
    below = lookup.power_levels_of(event)
    passed: set[str] = set()
    while below is not None and below.event_id not in passed:
        if below.event_id in positions:
            position = positions[below.event_id]
            break
        passed.add(below.event_id)
        below = lookup.power_levels_of(below)
    positions.update(dict.fromkeys(passed, position))
    return position
