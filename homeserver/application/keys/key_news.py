"""Telling that a user's keys changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.ports.tail import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.device_changes import DeviceChanges
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class KeyNews:
    """Notes changes of keys in the batches that make them."""

    changes: DeviceChanges

    async def of(self, user_nid: int) -> Callable[[Draft], None]:
        """Find out whom a change of a user's keys concerns; what it returns tells them."""

        def tell(draft: Draft) -> None:
            self.changes.note(draft, user_nid)
            draft.touch(user_nid, KEYS)

        return tell
