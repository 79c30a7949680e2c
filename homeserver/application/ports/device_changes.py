"""Who changed keys since when, and whom it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.sync.vector import Vector


class Audience(NamedTuple):
    """A user, and the encrypted rooms that the user is joined to (internal ids)."""

    user_id: str
    rooms: frozenset[int]


class DeviceChanges(Protocol):
    """Reads what was committed; writes go into a `Draft`.

    A room is encrypted that has an `m.room.encryption` event in its state.
    """

    async def audience(self, users: Collection[int]) -> Mapping[int, Audience]:
        """Whom it concerns when these users' keys change."""
        ...

    async def changed(self, user_nid: int, since: Vector) -> tuple[Vector, Collection[str]]:
        """Whose keys changed at positions that `since` lacks, of those who concern a user.

        With them the vector of the instant at which this was so.
        Those share an encrypted room with the user, or are the user. Signatures by the user, which
        nobody else sees, are changes too.
        """
        ...

    async def signed(self, user_nid: int, since: Vector) -> Collection[str]:
        """On whose keys, of those who share an encrypted room, the user put signatures."""
        ...

    async def sharing(self, user_nid: int, others: Collection[str]) -> Collection[str]:
        """Those of other users who share an encrypted room with a user."""
        ...

    def note(self, draft: Draft, user_nid: int) -> None:
        """Note that a user's keys changed, at the draft's next position."""
        ...

    def note_signed(self, draft: Draft, user_nid: int, signer_nid: int) -> None:
        """Note that a user's keys have new signatures that only their signer sees."""
        ...
