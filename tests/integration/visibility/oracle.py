"""What a user may read of a room, written from the text of the specification alone.

Client-server API v1.19, "Room History Visibility". Nothing of the server is imported: a story is
a list of stages, and a stage is a stretch of the room in which neither the reader's membership
nor the visibility changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NEVER, INVITED, KNOCKED = "never joined", "invited", "knocked"
JOINED, LEFT, BANNED = "joined", "left", "banned"
MEMBERSHIPS: Final = (NEVER, INVITED, KNOCKED, LEFT, BANNED, JOINED)
VISIBILITIES: Final = ("invited", "joined", "shared", "world_readable")

STAGES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    NEVER: (("first", "none"), ("last", "none")),
    INVITED: (("first", "none"), ("last", "invite")),
    KNOCKED: (("first", "none"), ("last", "knock")),
    JOINED: (("first", "none"), ("asked", "invite"), ("last", "join")),
    LEFT: (("first", "none"), ("asked", "invite"), ("inside", "join"), ("last", "leave")),
    BANNED: (("first", "none"), ("asked", "invite"), ("inside", "join"), ("last", "ban")),
}
"""The stages of a story: a name, and the reader's membership in it."""


@dataclass(frozen=True)
class Case:
    """A reader and a room: the reader's membership in the end, the room's visibility all along."""

    membership: str
    visibility: str

    @property
    def name(self) -> str:
        """For test ids."""
        return f"{self.membership}-{self.visibility}"

    @property
    def stages(self) -> tuple[str, ...]:
        """All stages, in order."""
        return tuple(stage for stage, _ in STAGES[self.membership])

    @property
    def is_joined(self) -> bool:
        """Whether the reader is in the room now."""
        return self.membership == JOINED

    @property
    def was_joined(self) -> bool:
        """Whether the reader is or was in the room."""
        return self.membership in (JOINED, LEFT, BANNED)

    @property
    def is_open(self) -> bool:
        """Whether everybody may read."""
        return self.visibility == "world_readable"

    @property
    def may_read(self) -> bool:
        """In all cases except `world_readable`, a user needs to join a room to view events."""
        return self.was_joined or self.is_open

    @property
    def visible(self) -> tuple[str, ...]:
        """The stages whose events the reader may see."""
        if not self.may_read:
            return ()
        stages = STAGES[self.membership]
        return tuple(
            name
            for at, (name, membership) in enumerate(stages)
            if self._allows(membership, [later for _, later in stages[at + 1 :]])
        )

    def _allows(self, membership: str, later: list[str]) -> bool:
        """The five rules, for an event that was sent at this membership."""
        if self.visibility == "world_readable":
            return True
        if membership == "join":
            return True
        if self.visibility == "shared" and "join" in later:
            return True
        return self.visibility == "invited" and membership == "invite"

    @property
    def state_stage(self) -> str | None:
        """The stage whose end the reader may see the state of; None for no state at all.

        Who left sees the room as it was when they left, unless everybody may read it now.
        """
        if self.is_joined or self.is_open:
            return self.stages[-1]
        return "inside" if self.was_joined else None


CASES: Final = [Case(m, v) for m in MEMBERSHIPS for v in VISIBILITIES]
