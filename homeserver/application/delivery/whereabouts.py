"""On which workers the people are online whom something concerns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from homeserver.application.ports.route_table import RouteTable
    from homeserver.domain.rooms.room import Room

LARGE: Final = 500
"""Members from which on a room's news go to all workers, without looking anybody up."""
People = set[int] | None
"""Users by internal id; None where they are too many to look up."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What one look-up found; `everywhere` are all workers, where anybody wanted them."""

    found: Mapping[int, Collection[str]]
    everywhere: Collection[str]

    def of(self, people: People) -> Collection[str]:
        """The workers of some of those who were looked up."""
        if people is None:
            return self.everywhere
        few, many = (people, self.found) if len(people) < len(self.found) else (self.found, people)
        return {worker for user in few if user in many for worker in self.found[user]}


async def look_up(routes: RouteTable, groups: Iterable[People]) -> Whereabouts:
    """Find the workers of all these people at once."""
    people: set[int] = set()
    crowded = False
    for group in groups:
        if group is None:
            crowded = True
        else:
            people |= group
    found = await routes.workers_of(people)
    return Whereabouts(found, await routes.workers() if crowded else ())


def people_in(room: Room) -> People:
    """Who is joined to a room."""
    if len(room.members) > LARGE:
        return None
    return {member.nid for member in room.members.values()}
