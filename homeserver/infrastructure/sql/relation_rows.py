"""Relations between events as rows."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from homeserver.domain.events.hashes import event_id_bytes
from homeserver.domain.relations.relation import ANNOTATION, is_counted
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.infrastructure.sql import writes as w

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.relations.relation import Child, Relation
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.infrastructure.sql.writes import Row

_LAST: Final = (1 << 63) - 1
_BACK_BITS: Final = 31
"""A room's log has fewer than 2**31 events behind one gap, and fewer than 2**32 live ones."""


def place_of(position: tuple[int, int]) -> int:
    """(seq, back) as one number with the same order, so that one index does for both."""
    seq, back = position
    return (seq << _BACK_BITS) + back


def bound_of(position: tuple[int, int]) -> int:
    """A bound between places; what a client names may be far beyond all of them."""
    return max(0, min(place_of(position), _LAST))


def position_of(place: int) -> tuple[int, int]:
    """The (seq, back) of a place; `back` is never positive."""
    seq = -(-place >> _BACK_BITS)
    return seq, place - (seq << _BACK_BITS)


def parent_key(relation: Relation) -> bytes | None:
    """The id in bytes; None for what is no event id of any room here."""
    try:
        return event_id_bytes(relation.parent_id)
    except InvalidParamError:
        return None


def annotation_key(relation: Relation, event_type: str, sender_nid: int) -> bytes:
    """What names an annotation: two of one name are one too many."""
    name = (relation.parent_id, event_type, str(sender_nid), relation.key or "")
    text = "\0".join(f"{len(part)}:{part}" for part in name)
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def write_relations(draft: Draft, nid: int, room: RoomDraft) -> None:
    """Add rows for the events that relate to others, take away those of redacted ones."""
    gone = set()
    for child in room.broken:
        parent = parent_key(child.relation)
        gone.add(child.item.event.event_id)
        if parent is not None:
            place = place_of((child.item.seq, child.item.back))
            draft.write(w.DELETE_RELATION, (nid, parent, place))
    for child in room.children:
        parent = parent_key(child.relation)
        if parent is not None and child.item.event.event_id not in gone:
            draft.write(w.INSERT_RELATION, _row(nid, parent, child))


def _row(nid: int, parent: bytes, child: Child) -> Row:
    relation, item = child
    event = item.event
    # what other servers let through is theirs to answer for: here it must be stored
    once = relation.rel_type == ANNOTATION and item.txn_key is not None
    return (
        nid,
        parent,
        place_of((item.seq, item.back)),
        event_id_bytes(event.event_id),
        relation.rel_type.encode(errors="surrogatepass"),
        event.type.encode(),
        item.sender_nid,
        event.origin_server_ts,
        int(is_counted(event, relation)),
        annotation_key(relation, event.type, item.sender_nid) if once else None,
    )
