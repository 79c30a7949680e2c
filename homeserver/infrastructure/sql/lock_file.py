"""Lock files: held by a living process, free as soon as it is gone, however it ended."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from homeserver.infrastructure.sql.errors import StoreDownError

if TYPE_CHECKING:
    from pathlib import Path


def lock_file(path: Path, use: str) -> int:
    """Lock a file, made where it is missing; give the descriptor whose closing unlocks it.

    `use` says what another process does that holds it. Raises StoreDownError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        msg = f"another process {use} ({path.name} is locked)"
        raise StoreDownError(msg) from error
    return handle
