"""State resolution, versions 2 and 2.1 (`fragments/v2-state-res.md`, `rooms/v12.md`, MSC4297)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.rooms.auth.check import check_auth
from homeserver.domain.rooms.auth.state import NO_SIGNATURES, Signatures, StateKey
from homeserver.domain.rooms.membership import BAN, LEAVE
from homeserver.domain.rooms.resolution.graph import (
    auth_chain,
    auth_difference,
    conflicted_subgraph,
)
from homeserver.domain.rooms.resolution.lookup import AuthLookup
from homeserver.domain.rooms.resolution.ordering import by_mainline, by_power

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.resolution.source import EventSource
    from homeserver.domain.rooms.versions import RoomVersion

StateMap = dict[StateKey, str]


def resolve(
    version: RoomVersion,
    state_sets: Sequence[Mapping[StateKey, str]],
    events: EventSource,
    *,
    signatures: Signatures = NO_SIGNATURES,
) -> StateMap:
    """Return the one state that follows from several; the order of `state_sets` is no matter.

    A state set maps (type, state key) to event id. Raises MissingEventError for an event
    that `events` lacks. `signatures` is asked again for third-party invitations and
    restricted joins. The work is linear in the auth chains, but for the sorting.
    """
    unconflicted, conflicted = _split(state_sets)
    if not conflicted:
        return unconflicted
    run = _Run(version, events, AuthLookup(version, events), signatures)
    full = run.full_conflicted_set(state_sets, unconflicted, conflicted)
    base = {} if version.state_resolution == "2.1" else unconflicted
    resolved = run.resolve(full, base)
    return {**resolved, **unconflicted}


def _split(state_sets: Sequence[Mapping[StateKey, str]]) -> tuple[StateMap, set[str]]:
    """Split the sets into the map that all agree on and the ids of all other events."""
    unconflicted: StateMap = {}
    conflicted: set[str] = set()
    for key in set().union(*state_sets):
        values = {state.get(key) for state in state_sets}
        found = [value for value in values if value is not None]
        if len(values) == 1:
            unconflicted[key] = found[0]
        else:
            conflicted.update(found)
    return unconflicted, conflicted


def is_power_event(event: Event) -> bool:
    """Whether the event might take away somebody's ability to do something."""
    if event.state_key is None:
        return False
    if event.type in {"m.room.power_levels", "m.room.join_rules"}:
        return True
    return (
        event.type == "m.room.member"
        and event.membership in {LEAVE, BAN}
        and event.sender != event.state_key
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """One resolution, with what its steps share."""

    version: RoomVersion
    events: EventSource
    lookup: AuthLookup
    signatures: Signatures

    def full_conflicted_set(
        self,
        state_sets: Sequence[Mapping[StateKey, str]],
        unconflicted: StateMap,
        conflicted: set[str],
    ) -> set[str]:
        own = [conflicted.intersection(state.values()) for state in state_sets]
        full = conflicted | auth_difference(self.events, unconflicted.values(), own)
        if self.version.state_resolution == "2.1":
            full |= conflicted_subgraph(self.events, conflicted)
        return full

    def resolve(self, full: set[str], base: StateMap) -> StateMap:
        """Replay the power events, then the others (steps 1 to 4)."""
        powerful = {event_id for event_id in full if is_power_event(self.events.get(event_id))}
        powerful |= full & auth_chain(self.events, powerful)
        state = self._replay(by_power(self.events, self.lookup, powerful), base)
        levels_id = state.get(("m.room.power_levels", ""))
        levels = self.events.get(levels_id) if levels_id is not None else None
        rest = by_mainline(self.events, self.lookup, full - powerful, levels)
        return self._replay(rest, state)

    def _replay(self, ordered: Iterable[Event], base: StateMap) -> StateMap:
        """Apply those events, in order, that the state so far allows."""
        state = dict(base)
        for event in ordered:
            if event.state_key is not None and self._is_allowed(event, state):
                state[event.type, event.state_key] = event.event_id
        return state

    def _is_allowed(self, event: Event, state: StateMap) -> bool:
        cited = self.lookup.accepted_by_key(event)

        def find(event_type: str, state_key: str) -> Event | None:
            event_id = state.get((event_type, state_key))
            if event_id is None:
                return cited.get((event_type, state_key))
            return self.events.get(event_id)

        create = find("m.room.create", "")
        levels = (
            self.lookup.levels(create, find("m.room.power_levels", ""))
            if create is not None
            else None
        )
        failure = check_auth(
            self.version,
            event,
            find,
            levels=levels,
            signatures=self.signatures,
        )
        return failure is None
