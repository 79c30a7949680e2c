"""All checks of a run."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from tests.prove.checks.acknowledged import check_acknowledged
from tests.prove.checks.delivered import check_delivered
from tests.prove.checks.letters import check_letters
from tests.prove.checks.shown import check_sight, check_views
from tests.prove.checks.tokens import check_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.prove.history import History
    from tests.prove.truth import Truth
    from tests.prove.violation import Violation

CHECKS = (
    check_acknowledged,
    check_delivered,
    check_views,
    check_sight,
    check_tokens,
    check_letters,
)
MOST: Final = 100
"""Violations that one check tells of: what is wholly broken need not be told in full."""


def violations(history: History, truth: Truth) -> Iterator[Violation]:
    """What did not hold."""
    for check in CHECKS:
        yield from islice(check(history, truth), MOST)
