"""Positions in a room's log, and the pagination tokens that point between them (design §2.1).

Total order: (n - 1, 0) < … (n, -2) < (n, -1) < (n, 0). The event (n, 0) came live as the
room's n-th; (n, -1), (n, -2) … is history that arrived later behind it, newest first, so all
of it is older than n and newer than n - 1.

A token is a *point* on one side of a position, not the position: history may still arrive
between (n - 1, 0) and (n, 0), and a reader who pages back from just before (n, 0) gets it,
as does one who pages forward from just after (n - 1, 0).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from homeserver.domain.shared.errors import InvalidParamError

_TOKEN: Final = re.compile(r"t1_(0|[1-9][0-9]{0,17})-(0|[1-9][0-9]{0,17})([ab])")


class RoomPosition(NamedTuple):
    """Where an event stands in its room; `seq` counts from 1, `back` is 0 or negative."""

    seq: int
    back: int = 0


class RoomPoint(NamedTuple):
    """A point between events: just before `position`, or just after it.

    `/messages` with `dir=b` gives what is `behind` the point, with `dir=f` the rest.
    """

    position: RoomPosition
    after: bool = False

    def behind(self, position: RoomPosition) -> bool:
        """Whether an event at `position` is older than this point."""
        return position < self.position or (self.after and position == self.position)


def just_before(position: RoomPosition) -> RoomPoint:
    """Return the point before an event: the `prev_batch` of a timeline that begins with it."""
    return RoomPoint(position)


def just_after(position: RoomPosition) -> RoomPoint:
    """Return the point after an event: the `end` of a page forward that ends with it."""
    return RoomPoint(position, after=True)


def encode_position(point: RoomPoint) -> str:
    """Write a point as a URL-safe pagination token, `t1_<seq>-<-back><a|b>`."""
    position = point.position
    return f"t1_{position.seq}-{-position.back}{'a' if point.after else 'b'}"


def decode_position(text: str) -> RoomPoint:
    """Read a pagination token; `InvalidParamError` for anything else."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        raise InvalidParamError("Malformed pagination token")
    return RoomPoint(RoomPosition(int(found[1]), -int(found[2])), found[3] == "a")
