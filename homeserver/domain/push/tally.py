"""What a user's own push rules said of the unread events of a room."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from homeserver.domain.push.lines import Lines


@dataclass(frozen=True, slots=True)
class Tally:
    """Every event at positions after < seq <= until was judged by `lines`.

    `notified` and `highlighted` are the positions of those that notify and highlight, sorted;
    events of the users in `ignored` never do.
    """

    lines: Lines
    ignored: frozenset[str]
    after: int
    until: int
    notified: tuple[int, ...] = ()
    highlighted: tuple[int, ...] = ()

    def serves(self, lines: Lines, ignored: frozenset[str], after: int) -> bool:
        """Whether it can tell, or be continued to tell, what is unread after a position."""
        return self.after <= after and self.lines == lines and self.ignored == ignored

    def counts(self, after: int) -> tuple[int, int]:
        """How many events after a position notify and highlight."""
        return (
            len(self.notified) - bisect_right(self.notified, after),
            len(self.highlighted) - bisect_right(self.highlighted, after),
        )

    def continued(
        self, after: int, until: int, notified: Iterable[int], highlighted: Iterable[int]
    ) -> Tally:
        """Add what was judged since, in order, and forget what is read (up to `after`)."""
        return Tally(
            self.lines,
            self.ignored,
            after,
            until,
            (*self.notified[bisect_right(self.notified, after) :], *notified),
            (*self.highlighted[bisect_right(self.highlighted, after) :], *highlighted),
        )

    def without(self, seqs: Container[int]) -> Tally:
        """Take redacted events out."""
        return Tally(
            self.lines,
            self.ignored,
            self.after,
            self.until,
            tuple(seq for seq in self.notified if seq not in seqs),
            tuple(seq for seq in self.highlighted if seq not in seqs),
        )
