"""I5: positions only grow, for every device, whichever worker answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.prove.story import Story
from tests.prove.token import vector_of
from tests.prove.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.prove.history import Answer, History
    from tests.prove.truth import Truth


def check_tokens(history: History, truth: Truth) -> Iterator[Violation]:
    """No answer, taken or lost, goes behind what it answered; devices used their tokens well."""
    for device in truth.users:
        token = ""
        for answer in history.answers[device]:
            if answer.since != token:
                yield _violation(history, answer, "asked with another token than its last")
            if token and not vector_of(answer.token) >= vector_of(answer.since):
                before, after = vector_of(answer.since), vector_of(answer.token)
                yield _violation(history, answer, f"went back from {before} to {after}")
            if answer.taken:
                token = answer.token


def _violation(history: History, answer: Answer, what: str) -> Violation:
    answers = history.answers[answer.device]
    at = next(i for i, other in enumerate(answers) if other is answer)
    story = Story(history).answers(answers[max(0, at - 1) : at + 1])
    return Violation("I5", f"{answer.device} {what}", story.told())
