"""The steps between memberships that the client-server API has endpoints for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from homeserver.domain.rooms.membership import BAN, INVITE, JOIN, KNOCK, LEAVE


@dataclass(frozen=True, slots=True)
class Step:
    """A step to `membership`.

    `begins_in` are the memberships from which it can be taken, None where the auth rules
    alone decide (who never was a member is taken to have left). Where the target is in
    `done_in` already, there is nothing to do.
    """

    membership: str
    begins_in: frozenset[str] | None = None
    done_in: frozenset[str] = frozenset()


TO_JOIN: Final = Step(JOIN, done_in=frozenset({JOIN}))
TO_KNOCK: Final = Step(KNOCK, done_in=frozenset({KNOCK}))
TO_INVITE: Final = Step(INVITE, done_in=frozenset({INVITE}))
TO_LEAVE: Final = Step(
    LEAVE, begins_in=frozenset({JOIN, INVITE, KNOCK}), done_in=frozenset({LEAVE})
)
TO_KICK: Final = Step(LEAVE, begins_in=frozenset({JOIN, INVITE, KNOCK}))
TO_BAN: Final = Step(BAN)
TO_UNBAN: Final = Step(LEAVE, begins_in=frozenset({BAN}))
