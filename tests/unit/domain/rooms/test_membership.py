"""What changes of membership are called, and what follows from a membership."""

from __future__ import annotations

import pytest

from homeserver.domain.rooms.membership import can_forget, is_present, name_change, sync_section

OWN, OTHERS = True, False


@pytest.mark.parametrize(
    ("before", "after", "own", "name"),
    [
        (None, "join", OWN, "joined"),
        ("invite", "join", OWN, "joined"),
        ("leave", "join", OWN, "joined"),
        ("join", "join", OWN, "profile_changed"),
        (None, "invite", OTHERS, "invited"),
        ("knock", "invite", OTHERS, "invited"),
        ("invite", "leave", OWN, "invite_rejected"),
        ("invite", "leave", OTHERS, "invite_withdrawn"),
        (None, "knock", OWN, "knocked"),
        ("knock", "leave", OWN, "knock_retracted"),
        ("knock", "leave", OTHERS, "knock_denied"),
        ("join", "leave", OWN, "left"),
        ("join", "leave", OTHERS, "kicked"),
        ("join", "ban", OTHERS, "banned"),
        (None, "ban", OTHERS, "banned"),
        ("ban", "leave", OTHERS, "unbanned"),
        ("leave", "leave", OTHERS, "none"),
        (None, "leave", OWN, "none"),
        ("ban", "ban", OTHERS, "none"),
        ("join", "zebra", OWN, "none"),
    ],
)
def test_name_of_change(before: str | None, after: str, own: bool, name: str) -> None:
    assert name_change(before, after, by_oneself=own) == name


def test_only_rooms_that_one_left_can_be_forgotten() -> None:
    memberships = ("join", "invite", "knock", "leave", "ban", None)
    assert [m for m in memberships if can_forget(m)] == ["leave", "ban"]
    assert [m for m in memberships if is_present(m)] == ["join"]


def test_a_banned_user_finds_the_room_among_those_left() -> None:
    assert sync_section("ban") == sync_section("leave") == "leave"
    assert sync_section("knock") == "knock"
