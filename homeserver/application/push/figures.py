"""What the push role counts, for the metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class PushFigures:
    """Since the process began, but for `owed`, which is what waits now.

    `delivered` notifications and `badges` were accepted; `rejected` are pushers that a gateway
    disowned, `refused` answers 4xx, `failed` other answers and none at all, `forbidden` requests
    that were not made because of their address. `dropped` were given up: too old, too many, or
    refused too often. `skipped` batches were not looked at.
    """

    delivered: int = 0
    badges: int = 0
    rejected: int = 0
    refused: int = 0
    failed: int = 0
    forbidden: int = 0
    dropped: int = 0
    skipped: int = 0
    owed: int = 0
