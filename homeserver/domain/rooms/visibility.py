"""Which events of a room a user may read (client-server API, "Room History Visibility").

Positions are anything that sorts: `room_seq`, or the pair (`room_seq`, `back`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, Self, TypeVar

from homeserver.domain.rooms.membership import INVITE, JOIN, LEAVE

if TYPE_CHECKING:
    from collections.abc import Sequence

WORLD_READABLE: Final = "world_readable"
SHARED: Final = "shared"
INVITED: Final = "invited"
JOINED: Final = "joined"
_KNOWN: Final = frozenset({WORLD_READABLE, SHARED, INVITED, JOINED})


class _Sortable(Protocol):
    def __lt__(self, other: Self, /) -> bool: ...


P = TypeVar("P", bound=_Sortable)


def visibility_of(value: object) -> str:
    """Return a history visibility; `shared` for none and for one that is not understood."""
    return value if isinstance(value, str) and value in _KNOWN else SHARED


def may_see_event(*, visibility: str, membership: str, joined_later: bool) -> bool:
    """Apply the specification's table to one event.

    `visibility` and `membership` are those at the event; `joined_later` tells whether the
    user was in the room at any point after it.
    """
    return (
        visibility == WORLD_READABLE
        or membership == JOIN
        or (visibility == SHARED and joined_later)
        or (visibility == INVITED and membership == INVITE)
    )


def may_see_change(
    *,
    visibilities: tuple[str, str],
    memberships: tuple[str, str],
    joined_later: bool,
) -> bool:
    """Apply the table to an event that changes the visibility or the user's own membership.

    Each pair is (before, after); the laxer of the two counts.
    """
    return any(
        may_see_event(visibility=visibility, membership=membership, joined_later=joined_later)
        for visibility in visibilities
        for membership in memberships
    )


@dataclass(frozen=True, slots=True)
class _Timeline(Generic[P]):
    """A value over a room's positions: each change holds from its own position on."""

    positions: tuple[P, ...]
    values: tuple[str, ...]  # one more than positions: the first holds before all changes

    @classmethod
    def of(cls, initial: str, changes: Sequence[tuple[P, str]]) -> _Timeline[P]:
        return cls(tuple(p for p, _ in changes), (initial, *(value for _, value in changes)))

    def around(self, position: P) -> tuple[str, str]:
        """Return the values just before and just after `position`."""
        return (
            self.values[bisect_left(self.positions, position)],
            self.values[bisect_right(self.positions, position)],
        )

    def at(self, position: P) -> str:
        """Return the value that holds after `position`."""
        return self.values[bisect_right(self.positions, position)]


class VisibilityWindow(Generic[P]):
    """What one user may read of one room, from the changes that decide it.

    `memberships` are the user's own, `visibilities` the room's, both sorted by position:
    the position of the event that brought the change, with the value that it set. A look-up
    costs O(log n). Between two `edges` (those positions) the answer never changes.
    """

    __slots__ = ("_last_join", "_memberships", "_visibilities", "edges", "sees_everything")

    def __init__(
        self,
        memberships: Sequence[tuple[P, str]],
        visibilities: Sequence[tuple[P, str]],
    ) -> None:
        """Read the changes; unknown visibilities count as `shared`."""
        known = [(position, visibility_of(value)) for position, value in visibilities]
        self._memberships = _Timeline.of(LEAVE, memberships)
        self._visibilities = _Timeline.of(SHARED, known)
        joins = [position for position, value in memberships if value == JOIN]
        self._last_join: P | None = joins[-1] if joins else None
        changes = (*self._memberships.positions, *self._visibilities.positions)
        self.edges: tuple[P, ...] = tuple(sorted(set(changes)))
        self.sees_everything: bool = self._memberships.values[-1] == JOIN and {
            SHARED,
            WORLD_READABLE,
        }.issuperset(self._visibilities.values)

    def sees(self, position: P) -> bool:
        """Whether the user may read the event at `position`."""
        return self.sees_everything or may_see_change(
            visibilities=self._visibilities.around(position),
            memberships=self._memberships.around(position),
            joined_later=self._last_join is not None and position < self._last_join,
        )

    def membership_at(self, position: P) -> str:
        """Return the membership at the event, for `unsigned.membership`.

        For the user's own membership events it is the one that they set.
        """
        return self._memberships.at(position)
