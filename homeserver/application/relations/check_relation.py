"""What a client may not relate (client-server API, "Annotations", "Threading")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.ports.writer import DuplicateTransaction
from homeserver.domain.relations.relation import ANNOTATION, THREAD, can_root_thread, relation_in
from homeserver.domain.shared.errors import DuplicateAnnotationError, InvalidRelationError

if TYPE_CHECKING:
    from homeserver.application.ports.relation_store import RelationStore
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import NewEvent, Transaction
    from homeserver.domain.relations.relation import Relation
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.shared.errors import MatrixError


class CheckRelation:
    """Checks an event that a client wants to send; one without a relation costs nothing."""

    def __init__(self, relations: RelationStore, timeline: TimelineStore, rooms: RoomStore) -> None:
        """Look at what is there."""
        self._relations = relations
        self._timeline = timeline
        self._rooms = rooms

    async def __call__(
        self, requester: Requester, room: Room, new: NewEvent, txn: Transaction
    ) -> MatrixError | None:
        """What to answer where the store refuses the event because somebody was quicker.

        Raises DuplicateAnnotationError for an annotation that the user gave already,
        InvalidRelationError for a thread on an event that itself relates to another, and
        DuplicateTransaction where the transaction was done.
        """
        relation = relation_in(new.content)
        if relation is None:
            return None
        if relation.rel_type == ANNOTATION:
            return await self._annotation(requester, room, new.type, relation, txn)
        if relation.rel_type == THREAD:
            root = await self._timeline.event(room, relation.parent_id)
            if root is not None and not can_root_thread(root.event):
                raise InvalidRelationError("A thread cannot begin at an event that has a relation")
        return None

    async def _annotation(
        self, requester: Requester, room: Room, kind: str, relation: Relation, txn: Transaction
    ) -> MatrixError:
        refusal = DuplicateAnnotationError("You annotated this event in this way already")
        nid = requester.user_nid
        if await self._relations.is_annotated(room, relation, kind, nid):
            done = await self._rooms.transaction_events([(room.nid, txn.key)])
            if txn.key in done:
                raise DuplicateTransaction(done[txn.key])
            raise refusal
        return refusal
