"""What a mailbox drops is counted, shown at /metrics and logged ever more seldom."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from homeserver.application.delivery.frames import Frames
from homeserver.application.delivery.mailbox import Mailbox
from homeserver.application.sync.filler import Lent
from homeserver.application.sync.hub import Hub
from homeserver.infrastructure.telemetry import delivery as figures
from homeserver.infrastructure.telemetry.metrics import REGISTRY

if TYPE_CHECKING:
    import pytest

KEY = b"the key of the cluster"


def dropped() -> float:
    """The figure."""
    return REGISTRY.get_sample_value("firn_delivery_frames_total", {"fate": "dropped"}) or 0.0


def test_F15_a_cluster_of_mixed_versions_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    mailbox = Mailbox(hub=Hub(), lent=Lent(), frames=Frames(KEY), generation=b"g" * 8)
    before = dropped()
    figures.watch(mailbox)
    newer = b"\x02" + Frames(KEY).seal(1, b"")[1:]
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            mailbox.receive(newer)
    assert dropped() == before + 1000
    assert len(caplog.records) == 10
    figures.forget(mailbox)
    assert dropped() == before
