"""Which events are live: from one's joining to one's leaving."""

from __future__ import annotations

from firn_client import Event
from firn_client.live import live

ME = "@me:x"


def said(text: str) -> Event:
    return Event(type="m.room.message", content={"body": text}, event_id=f"${text}", sender="@y:x")


def member(membership: str, former: str = "", user: str = ME) -> Event:
    unsigned = {"prev_content": {"membership": former}} if former else {}
    return Event(
        type="m.room.member",
        content={"membership": membership},
        state_key=user,
        event_id=f"${membership}-{former}",
        unsigned=unsigned,
    )


def test_all_is_live_where_one_was_before() -> None:
    events = [said("a"), member("join", "join"), said("b")]
    assert live(events, ME, inside=True) == events


def test_all_is_live_where_nothing_says_that_one_came() -> None:
    events = [said("a"), member("leave", user="@other:x"), said("b")]
    assert live(events, ME, inside=False) == events


def test_what_was_said_before_one_came_is_history() -> None:
    came = member("join", "invite")
    events = [said("a"), member("invite"), said("b"), came, said("c")]
    assert live(events, ME, inside=False) == [came, events[4]]


def test_a_join_without_a_former_membership_is_a_coming() -> None:
    came = member("join")
    assert live([said("a"), came], ME, inside=False) == [came]


def test_a_new_name_is_no_coming() -> None:
    events = [said("a"), member("join", "join"), said("b")]
    assert live(events, ME, inside=False) == events


def test_who_left_and_came_again_was_not_there_between() -> None:
    left, came = member("leave", "join"), member("join", "leave")
    events = [said("a"), left, said("b"), came, said("c")]
    assert live(events, ME, inside=True) == [events[0], left, came, events[4]]
    assert live(events, ME, inside=False) == [events[0], left, came, events[4]]


def test_a_declined_invitation_shows_nothing() -> None:
    assert live([said("a"), member("leave", "invite"), said("b")], ME, inside=False) == []
