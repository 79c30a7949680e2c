"""What can happen to a transaction, in the store's own terms, whatever the driver says.

Those that pass by themselves are `OutageError`s: clients are told 503, and try again.
"""

from __future__ import annotations

from homeserver.domain.shared.errors import OutageError


class StoreError(Exception):
    """The store refused or failed; the transaction left no trace unless `InDoubtError`."""


class ClashError(StoreError):
    """A key was taken or a compare-and-set failed: reload, recompute, try again."""


class TransientError(StoreError, OutageError):
    """Deadlock or lock timeout: try the same again."""


class InDoubtError(StoreError, OutageError):
    """The connection was lost while COMMIT was on its way: it may have happened."""


class StoreDownError(StoreError, OutageError):
    """The database cannot be reached or cannot write (down, disk full)."""


class PoisonError(StoreError):
    """The data itself cannot be stored (too long, malformed)."""
