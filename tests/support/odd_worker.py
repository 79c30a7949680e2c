"""`firn` with something odd about it: `python -m tests.support.odd_worker ODDITY serve`.

`dies`: it is gone for good between the commit of an event that says LAST_WORDS and its push.
`newer`: it sends frames of the next version, and reads both.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from homeserver.application.delivery.courier import Courier
from homeserver.application.delivery.frames import VERSION, Frames
from homeserver.presentation.cli.main import main

if TYPE_CHECKING:
    from homeserver.application.sync.hub import Committed

LAST_WORDS = "these are my last words"
KILLED = 137


def die_after_commit() -> None:
    """Let the process end, as SIGKILL ends one, where the courier is told of the commit."""
    post = Courier.post

    def dying(self: Courier, commit: Committed) -> None:
        said = (item.event.json for draft in commit.rooms for item in draft.events)
        if any(LAST_WORDS.encode() in json for json in said):
            os._exit(KILLED)
        post(self, commit)

    Courier.post = dying  # type: ignore[method-assign]


def send_newer_frames() -> None:
    """Seal frames as the next version does."""

    def seal(self: Frames, kind: int, payload: bytes) -> bytes:
        head = bytes((VERSION + 1, kind))
        return head + self._mac(head, payload) + payload

    Frames.seal = seal  # type: ignore[method-assign]


ODDITIES = {"dies": die_after_commit, "newer": send_newer_frames}

if __name__ == "__main__":
    ODDITIES[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
