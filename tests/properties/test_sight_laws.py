"""What a reader may know of children is what the reader may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from homeserver.application.relations.sight import sight_of
from homeserver.domain.rooms.floor import Floor
from homeserver.domain.rooms.room import Room
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.rooms.visibility import VisibilityWindow
from homeserver.infrastructure.sql.relation_rows import bound_of, place_of, position_of

if TYPE_CHECKING:
    from collections.abc import Sequence

LAST = 24
positions = st.integers(1, LAST)
memberships = st.dictionaries(
    positions, st.sampled_from(["invite", "join", "leave", "ban", "knock"]), max_size=4
)
visibilities = st.dictionaries(
    positions, st.sampled_from(["world_readable", "shared", "invited", "joined"]), max_size=3
)


def changes(values: dict[int, str]) -> Sequence[tuple[float, str]]:
    """In order, as a window wants them."""
    return sorted((float(at), value) for at, value in values.items())


@given(memberships, visibilities, positions, st.integers(0, LAST))
def test_spans_are_what_the_window_shows(
    members: dict[int, str], shown: dict[int, str], until: int, floor: int
) -> None:
    """For live events and for history behind them, but for what was purged."""
    room = Room(1, "!room:a.example", ROOM_VERSIONS["11"])
    room.floor = Floor(floor)
    window = VisibilityWindow(changes(members), changes(shown))
    sight = sight_of(room, window, until, frozenset())
    for seq in range(1, LAST + 3):
        for back in (0, -1, -7):
            here = (seq, back)
            within = [after < here < before for after, before in sight.spans]
            place = seq - 0.5 if back else float(seq)
            seen = seq <= until and window.sees(place) and not room.floor.hides(*here)
            assert any(within) is seen, (here, sight.spans)
            by_number = place_of(here)
            assert within == [
                bound_of(after) < by_number < bound_of(before) for after, before in sight.spans
            ]


@given(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(-(2**31) + 1, 0)),
    st.tuples(st.integers(0, 2**32 - 1), st.integers(-(2**31) + 1, 0)),
)
def test_places_keep_the_order_of_positions(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert position_of(place_of(one)) == one
    assert (place_of(one) < place_of(other)) is (one < other)
