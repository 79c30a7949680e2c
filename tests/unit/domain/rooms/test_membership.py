"""What follows from a membership."""

from __future__ import annotations

from homeserver.domain.rooms.membership import can_forget


def test_only_rooms_that_one_left_can_be_forgotten() -> None:
    memberships = ("join", "invite", "knock", "leave", "ban", None)
    assert [m for m in memberships if can_forget(m)] == ["leave", "ban"]
