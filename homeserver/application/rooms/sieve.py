"""A test of events that takes a look into the store, for many of them at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent

Sieve = Callable[["Room", Sequence["TimelineEvent"]], Awaitable[frozenset[str]]]
"""The ids of those events that pass."""
