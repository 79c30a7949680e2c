"""What must not be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant of docs/bad-inputs.md that did not hold.

    `story` is the part of the history that shows it, a line each, in order of time.
    """

    rule: str
    what: str
    story: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The text for people."""
        return "\n".join([f"{self.rule}: {self.what}", *(f"    {line}" for line in self.story)])
