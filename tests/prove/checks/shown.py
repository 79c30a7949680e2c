"""I3 and I8: everybody is shown one room in one order, and nobody what is not for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.prove.story import Story, around
from tests.prove.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.prove.history import History
    from tests.prove.truth import Truth


def check_views(history: History, truth: Truth) -> Iterator[Violation]:
    """Every view at the end is the room's log, or what of it its user may see."""
    for view in truth.views:
        order = truth.visible(view.room, view.user)
        if list(view.ids) == order:
            continue
        at = next(
            (i for i, pair in enumerate(zip(view.ids, order, strict=False)) if pair[0] != pair[1]),
            min(len(view.ids), len(order)),
        )
        shown, due = (ids[at] if at < len(ids) else "nothing" for ids in (view.ids, order))
        what = f"{view.way} shows {view.user} {shown} instead of {due} at {at} of {view.room}"
        yield Violation("I3", what, Story(history).sending(shown).sending(due).told())


def check_sight(history: History, truth: Truth) -> Iterator[Violation]:
    """No answer, taken or lost, had an event that its user may not see."""
    for device, user in truth.users.items():
        for room in truth.rooms:
            allowed = set(truth.visible(room, user))
            for answer in history.answers[device]:
                portion = answer.rooms.get(room)
                for event_id in portion.events if portion is not None else ():
                    if event_id not in allowed:
                        story = Story(history).sending(event_id)
                        story.answers(around(history, device, room, {event_id}), room, event_id)
                        what = f"{device} was told {event_id} of {room}"
                        yield Violation("I8", what, story.told())
