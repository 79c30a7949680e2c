"""What of an event is searched (Client-Server API, "Server Side Search")."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from homeserver.domain.events.hashes import is_event_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.domain.events.event import Event

MESSAGE: Final = "m.room.message"
REDACTION: Final = "m.room.redaction"
_TEXT_PLAIN: Final = "text/plain"


class SearchKey(IntEnum):
    """The `keys` of a search, and the ids and names of users; the numbers are stored."""

    BODY = 1
    NAME = 2
    TOPIC = 3
    PERSON = 4


KEYS: Final = {
    "content.body": SearchKey.BODY,
    "content.name": SearchKey.NAME,
    "content.topic": SearchKey.TOPIC,
}
_STATE: Final = {"m.room.name": SearchKey.NAME, "m.room.topic": SearchKey.TOPIC}


class Text(NamedTuple):
    """A text to be searched, and under which key."""

    key: SearchKey
    text: str


def text_of(event: Event, content: Mapping[str, Any] | None = None) -> Text | None:
    """The text of a message, a room's name or its topic; None for every other event.

    `content` in the place of the event's own is that of its newest edit. Of a message that has
    no `body` that of its extensible form counts (MSC1767), else nothing.
    """
    content = event.content if content is None else content
    if event.type == MESSAGE and event.state_key is None:
        text = _string(content.get("body")) or _represented(content.get("m.text"))
        return Text(SearchKey.BODY, text) if text else None
    key = _STATE.get(event.type)
    if key is None or event.state_key != "":
        return None
    text = _string(content.get("name" if key is SearchKey.NAME else "topic"))
    if key is SearchKey.TOPIC:
        topic = content.get("m.topic")
        plain = _represented(topic.get("m.text")) if isinstance(topic, dict) else ""
        text = text if plain in text else f"{text}\n{plain}"
    return Text(key, text) if text else None


def edits(event: Event) -> str | None:
    """The id of the event that this one edits (Client-Server API, "Event replacements")."""
    if event.type != MESSAGE or event.state_key is not None:
        return None
    relation = event.content.get("m.relates_to")
    if not isinstance(relation, dict) or relation.get("rel_type") != "m.replace":
        return None
    target = relation.get("event_id")
    return target if isinstance(target, str) and is_event_id(target) else None


def is_edited_by(original: Event, edit: Event) -> bool:
    """Whether an edit holds: of the same sender and type, of an event that is no edit itself."""
    return (
        original.sender == edit.sender
        and original.type == edit.type
        and edits(original) is None
        and isinstance(edit.content.get("m.new_content"), dict)
    )


def _represented(value: object) -> str:
    """The `text/plain` one of several representations of a text."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict) and each.get("mimetype", _TEXT_PLAIN) == _TEXT_PLAIN:
            return _string(each.get("body"))
    return ""


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
