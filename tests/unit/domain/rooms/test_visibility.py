"""History visibility."""

from __future__ import annotations

from itertools import product

import pytest

from homeserver.domain.rooms.visibility import VisibilityWindow, may_see_event, visibility_of

VISIBILITIES = ("world_readable", "shared", "invited", "joined")
MEMBERSHIPS = ("join", "invite", "knock", "leave", "ban")


@pytest.mark.parametrize(("visibility", "membership"), list(product(VISIBILITIES, MEMBERSHIPS)))
def test_D8_table(visibility: str, membership: str) -> None:
    now = may_see_event(visibility=visibility, membership=membership, joined_later=False)
    later = may_see_event(visibility=visibility, membership=membership, joined_later=True)
    table = {
        "world_readable": set(MEMBERSHIPS),
        "shared": {"join"},
        "invited": {"join", "invite"},
        "joined": {"join"},
    }
    assert now is (membership in table[visibility])
    assert later is (visibility == "shared" or membership in table[visibility])


@pytest.mark.parametrize("value", [None, "zebra", 5, ["joined"]])
def test_unknown_visibility_is_shared(value: object) -> None:
    assert visibility_of(value) == "shared"


def seen(window: VisibilityWindow[int], last: int = 12) -> list[int]:
    return [position for position in range(1, last + 1) if window.sees(position)]


# Invited at 3, joined at 5, left at 8, joined again at 10, kicked at 12.
CAME_AND_WENT = [(3, "invite"), (5, "join"), (8, "leave"), (10, "join"), (12, "leave")]


@pytest.mark.parametrize(
    ("visibility", "expected"),
    [
        ("world_readable", list(range(1, 15))),
        ("shared", list(range(1, 13))),
        ("invited", [3, 4, 5, 6, 7, 8, 10, 11, 12]),
        ("joined", [5, 6, 7, 8, 10, 11, 12]),
    ],
)
def test_D8_member_who_came_and_went(visibility: str, expected: list[int]) -> None:
    window = VisibilityWindow(CAME_AND_WENT, [(0, visibility)])
    assert seen(window, 14) == expected
    assert not window.sees_everything


def test_after_leaving_shared_history_ends_with_the_leave() -> None:
    window = VisibilityWindow([(2, "join"), (4, "leave")], [])
    assert seen(window) == [1, 2, 3, 4]


def test_stranger_sees_only_world_readable_times() -> None:
    window = VisibilityWindow([], [(2, "world_readable"), (5, "joined")])
    # The changes themselves, at 2 and 5, show where the laxer side allows it.
    assert seen(window) == [2, 3, 4, 5]


def test_visibility_counts_as_it_was_at_the_event() -> None:
    window = VisibilityWindow([(9, "join")], [(1, "joined"), (4, "shared"), (7, "joined")])
    assert seen(window, 10) == [1, 4, 5, 6, 7, 9, 10]


def test_everything_is_seen_by_a_member_of_an_open_room() -> None:
    assert VisibilityWindow([(5, "join")], [(1, "shared"), (3, "world_readable")]).sees_everything
    assert not VisibilityWindow([(5, "join")], [(1, "invited"), (3, "shared")]).sees_everything
    assert not VisibilityWindow([(5, "join"), (6, "leave")], []).sees_everything


def test_membership_at_position() -> None:
    window = VisibilityWindow(CAME_AND_WENT, [])
    found = [window.membership_at(position) for position in (1, 3, 4, 5, 8, 9, 12, 99)]
    assert found == ["leave", "invite", "invite", "join", "leave", "leave", "leave", "leave"]


def test_positions_may_be_pairs() -> None:
    window = VisibilityWindow([((4, 0), "join")], [((1, 0), "joined")])
    assert not window.sees((4, -1))
    assert window.sees((4, 0))
