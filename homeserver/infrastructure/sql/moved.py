"""The note that an embedded store was moved away: nobody may write to it any more.

Two stores of one generation that both go on would tell clients different things under the
same tokens.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from homeserver.infrastructure.sql.errors import StoreDownError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".moved"


def moved_note(store: Path) -> Path:
    """The file beside a store that holds the note."""
    return store.with_suffix(SUFFIX)


def write_moved_note(store: Path, target: str) -> None:
    """Note durably where a store went; `target` names it without a password. Raises OSError."""
    note = moved_note(store)
    try:
        with note.open("w", encoding="utf-8") as out:
            out.write(target + "\n")
            out.flush()
            os.fsync(out.fileno())
        _sync_folder(note.parent)
    except BaseException:
        note.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def moved_to(store: Path) -> str | None:
    """Where a store went; None for one that is still here."""
    note = moved_note(store)
    return note.read_text(encoding="utf-8").strip() if note.exists() else None


def check_still_here(store: Path) -> None:
    """Raise StoreDownError for a store that was moved away."""
    target = moved_to(store)
    if target is not None:
        msg = (
            f"this store was moved to {target}: set database.url, or remove"
            f" {moved_note(store)} to go back to what it was then"
        )
        raise StoreDownError(msg)
