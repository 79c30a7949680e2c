"""A call is missed when it is over and nobody answered."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.events.event import Event
from homeserver.domain.push.missed_calls import missed_calls

ROMEO, JULIET, NURSE = "@romeo:a", "@juliet:a", "@nurse:a"
NOW = 100_000


def call(kind: str, sender: str = ROMEO, **content: Any) -> Event:
    content = {"call_id": "c", **content}
    return Event("$e", "!r", f"m.call.{kind}", None, sender, content, 50_000, 1, (), (), b"")


INVITE = call("invite", lifetime=60_000)


@pytest.mark.parametrize(
    ("events", "missed"),
    [
        ([], 0),
        ([INVITE], 0),
        ([INVITE, call("hangup")], 1),
        ([INVITE, call("reject", NURSE)], 1),
        ([INVITE, call("answer", NURSE), call("hangup")], 0),
        ([call("invite", lifetime=10_000)], 1),
        ([call("invite")], 1),
        ([call("invite", lifetime=True)], 1),
        ([call("invite", lifetime=10_000), call("answer", JULIET)], 0),
        ([call("invite", JULIET), call("hangup", JULIET)], 0),
        ([call("invite", invitee=NURSE), call("hangup")], 0),
        ([call("invite", invitee=JULIET), call("hangup")], 1),
        ([call("invite", call_id=1), call("hangup", call_id=1)], 0),
        ([call("hangup")], 0),
        ([INVITE, call("invite", call_id="d"), call("hangup", call_id="d")], 1),
        ([call("invite", NURSE), call("hangup", NURSE)], 0),
    ],
)
def test_missed_calls(events: list[Event], missed: int) -> None:
    assert missed_calls(events, JULIET, frozenset({NURSE}), NOW) == missed
