"""I9: a to-device message that was acknowledged comes, also where an answer was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.prove.history import LETTER
from tests.prove.story import Story
from tests.prove.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.prove.history import History
    from tests.prove.truth import Truth


def check_letters(history: History, truth: Truth) -> Iterator[Violation]:
    """Each at least once; only one whose answer was lost may come again."""
    for device in truth.users:
        counts: dict[str, int] = {}
        for answer in history.taken(device):
            for label in answer.letters:
                counts[label] = counts.get(label, 0) + 1
        for attempt in history.acknowledged():
            errand = history.errands[attempt.label]
            if errand.kind != LETTER or errand.room != device:
                continue
            found = counts.get(errand.label, 0)
            if found != 1:
                had = [a for a in history.answers[device] if errand.label in a.letters]
                story = Story(history).errand(errand.label).answers(had)
                what = f"{device} got {errand.label} {found} times"
                yield Violation("I9", what, story.told())
