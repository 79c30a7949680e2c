"""The gate of what only administrators may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import ForbiddenError

if TYPE_CHECKING:
    from homeserver.application.requester import Requester


def require_admin(requester: Requester) -> None:
    """Only who runs the server may purge. Raises ForbiddenError."""
    if not requester.is_admin:
        raise ForbiddenError("Only administrators of this server may do that")
