"""What arrives from other workers: bundles wake the tail and lend it their bodies."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from homeserver.application.delivery.bundle import decode_bundles, fill_of
from homeserver.application.delivery.frames import BATCHES, BadFrameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.delivery.bundle import Bundle
    from homeserver.application.delivery.frames import Frames
    from homeserver.application.sync.filler import Lent
    from homeserver.application.sync.hub import Hub

log = logging.getLogger(__name__)


class Mailbox:
    """Opens frames. `kinds` handles further kinds by number; unknown ones are dropped.

    `dropped` counts frames that were not ours, of another generation, or garbage; `late` are
    bundles of what the tail has read already, doubled ones among them.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        lent: Lent,
        frames: Frames,
        generation: bytes,
        kinds: dict[int, Callable[[bytes], None]] | None = None,
    ) -> None:
        """Lend to this worker's tail, which the hub knows; `kinds` may grow later on."""
        self._hub = hub
        self._lent = lent
        self._frames = frames
        self._generation = generation
        self.kinds = {} if kinds is None else kinds
        self.kinds[BATCHES] = self._batches
        self.dropped = 0
        self.late = 0

    def receive(self, frame: bytes) -> None:
        """Take a frame in; never raises."""
        try:
            kind, payload = self._frames.open(frame)
            handle = self.kinds.get(kind)
            if handle is None:
                self.dropped += 1
            else:
                handle(payload)
        except (BadFrameError, ValueError) as error:
            self.dropped += 1
            # the 1st, 2nd, 4th, 8th …: while versions are mixed there are many
            if self.dropped.bit_count() == 1:
                log.warning("mailbox.dropped: %s (%d so far)", error, self.dropped)

    def _batches(self, payload: bytes) -> None:
        for bundle in decode_bundles(payload):
            if bundle.generation != self._generation:
                self.dropped += 1
            elif self._hub.ticks.vector.covers(bundle.slot, bundle.pos_to):
                self.late += 1
            else:
                self._take(bundle)

    def _take(self, bundle: Bundle) -> None:
        for piece in bundle.rooms:
            self._lent.lend(fill_of(bundle, piece))
        if self._hub.tail is not None:
            self._hub.tail.wake()
