"""What a stretch of the log changes in the index."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homeserver.application.ports.search_log import Changes, Document, Edit
from homeserver.domain.search.document import REDACTION, edits, is_edited_by, text_of
from homeserver.domain.search.tokens import tokens_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.application.ports.search_log import EventKey, LoggedEvent, Place, SearchLog

BREATH = 16
"""Events after which others get their turn: they take a millisecond or two."""
LONG = 2_000
"""Characters that take some milliseconds."""
NEWEST_EDITS = 32
"""Of one event are tried: which of its sender's edits is the newest that still holds."""


async def read_texts(log: SearchLog, items: Sequence[LoggedEvent], *, early: bool) -> Changes:
    """The documents of these events, and those of others that they edit or redact.

    A message is found by its newest edit, which is not found by itself. Nothing of what was
    redacted is found, nor an edit that was. `early`: see `FillCursor`.
    """
    changes = Changes()
    found: dict[Place, Document] = {}
    again: set[EventKey] = set()
    targets: list[tuple[Place, EventKey]] = []
    for number, item in enumerate(items):
        if number % BREATH == 0:
            await asyncio.sleep(0)  # this worker serves requests too
        room, event = item.place[0], item.event
        target = edits(event)
        if item.redacted:
            changes.renewed.add(item.place)
        elif event.type == REDACTION and event.redacts is not None:
            again.add((room, event.redacts))
        elif target is not None:
            key = (room, event.event_id)
            changes.edits.append(Edit(key, target, item.sender_nid, event.origin_server_ts))
            targets.append((item.place, (room, target)))
            again.add((room, target))
        else:
            _note(found, item, await document_of(item))
    named = set(again)
    if early:
        named |= {(item.place[0], item.event.event_id) for item in items if item.place in found}
    stored = [*await log.edits(named)]
    edited = {(edit.key[0], edit.target_id) for edit in stored}
    # where an edit was redacted, the next older one counts
    stored += await log.edits(edited - named)
    again |= edited
    originals = await log.by_id(again)
    changes.early = any(_is_early(place, originals.get(key)) for place, key in targets)
    await _read_again(log, originals, [*stored, *changes.edits], found, changes)
    changes.documents = list(found.values())
    return changes


async def document_of(item: LoggedEvent, edit: LoggedEvent | None = None) -> Document | None:
    """How an event is found: by its own text, or by that of its newest edit."""
    content = None if edit is None else edit.event.content["m.new_content"]
    text = text_of(item.event, content)
    tokens = await _tokens(text.text) if text is not None else []
    if text is None or not tokens:
        return None
    return Document(item.place, text.key, item.event.origin_server_ts, tokens)


async def _tokens(text: str) -> list[str]:
    """Take a text apart; a long one beside the requests that this worker serves."""
    return tokens_of(text) if len(text) <= LONG else await asyncio.to_thread(tokens_of, text)


async def _read_again(
    log: SearchLog,
    originals: Mapping[EventKey, LoggedEvent],
    known: Sequence[Edit],
    found: dict[Place, Document],
    changes: Changes,
) -> None:
    """Make the documents of events that were edited, or redacted, anew."""
    tried = {key: _newest(known, key, item.sender_nid) for key, item in originals.items()}
    edits_read = await log.by_id({edit.key for some in tried.values() for edit in some})
    for key, item in originals.items():
        changes.renewed.add(item.place)
        if item.redacted or edits(item.event) is not None:
            found.pop(item.place, None)
        else:
            _note(found, item, await document_of(item, _holding(item, tried[key], edits_read)))


def _is_early(edit: Place, original: LoggedEvent | None) -> bool:
    """Whether an edit may have been read before what it edits."""
    return original is None or original.place[2] < 0 or original.place > edit


def _newest(known: Sequence[Edit], key: EventKey, sender_nid: int) -> list[Edit]:
    """The sender's own edits of an event, newest first."""
    own = {
        edit.key: edit
        for edit in known
        if (edit.key[0], edit.target_id) == key and edit.sender_nid == sender_nid
    }
    newest = sorted(own.values(), key=lambda edit: (edit.ts, edit.key[1]), reverse=True)
    return newest[:NEWEST_EDITS]


def _holding(
    item: LoggedEvent, newest: Sequence[Edit], read: Mapping[EventKey, LoggedEvent]
) -> LoggedEvent | None:
    for edit in newest:
        by = read.get(edit.key)
        if by is not None and not by.redacted and is_edited_by(item.event, by.event):
            return by
    return None


def _note(found: dict[Place, Document], item: LoggedEvent, document: Document | None) -> None:
    if document is None:
        found.pop(item.place, None)
    else:
        found[item.place] = document
