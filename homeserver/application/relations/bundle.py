"""What is told beside an event of those that relate to it, and how a reader gets it.

Client-server API, "Aggregations of child events".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from homeserver.application.rooms.render import unsigned_of
from homeserver.domain.events.client_format import client_event
from homeserver.domain.relations.relation import REFERENCE, REPLACE, THREAD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from homeserver.domain.rooms.timeline import TimelineEvent


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """A thread: its replies, the newest of them with what relates to that, who takes part.

    `participants` are user ids, the root's sender among them.
    """

    count: int
    latest: TimelineEvent
    beside_latest: Bundle | None
    participants: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bundle:
    """The aggregations of one event; `references` are event ids, oldest first."""

    edit: TimelineEvent | None = None
    references: tuple[str, ...] = ()
    thread: ThreadSummary | None = None


Bundles = dict[str, Bundle]
"""By event id; events without children are not in it."""
NOTHING: Final[Mapping[str, Bundle]] = {}


class Reader(NamedTuple):
    """Whom events are rendered for; `membership_at` tells what the user was at an event."""

    user_id: str
    device_nid: int
    membership_at: Callable[[TimelineEvent], str]


def relations_of(bundle: Bundle, reader: Reader) -> dict[str, Any]:
    """The `m.relations` of an event's `unsigned`.

    The events in it carry the room id in /sync too, where clients take them out of their place.
    """
    found: dict[str, Any] = {}
    if bundle.edit is not None:
        found[REPLACE] = _event(bundle.edit, None, reader)
    if bundle.references:
        found[REFERENCE] = {"chunk": [{"event_id": each} for each in bundle.references]}
    thread = bundle.thread
    if thread is not None:
        found[THREAD] = {
            "latest_event": _event(thread.latest, thread.beside_latest, reader),
            "count": thread.count,
            "current_user_participated": reader.user_id in thread.participants,
        }
    return found


def _event(item: TimelineEvent, beside: Bundle | None, reader: Reader) -> dict[str, Any]:
    membership, device = reader.membership_at(item), reader.device_nid
    unsigned = unsigned_of(item, membership=membership, device_nid=device)
    if beside is not None:
        unsigned["m.relations"] = relations_of(beside, reader)
    return client_event(item.event, with_room_id=True, unsigned=unsigned)
