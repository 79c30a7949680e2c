"""What an event means under the default push rules, for all readers at once.

Counting a message for a thousand members must not evaluate a thousand rulesets. Whoever has
the default rules unmodified is served by one small `EventPushClass`, worked out when the
event is stored; `tests/properties/test_push_laws.py` shows that it says what `evaluate` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeserver.domain.shared.glob import fold

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.shared.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class EventPushClass:
    """Whom an event notifies and highlights, the sender always excepted.

    `mentions` holds the user ids that are notified and highlighted, each once, in the order
    of the event. `room_mention` means: everyone is notified and highlighted, if the sender's
    power reaches `notifications.room`. `highlights_everyone` needs no such power (a room's
    upgrade). `invite_target` is the invited user's id without case, as the rule compares it.
    """

    notifies_everyone: bool = False
    highlights_everyone: bool = False
    room_mention: bool = False
    mentions: tuple[str, ...] = ()
    invite_target: str | None = None

    def outcome(self, user_id: str, *, sender_may_notify_room: bool) -> tuple[bool, bool]:
        """Return (notify, highlight) for a reader other than the sender."""
        everyone_mentioned = self.room_mention and sender_may_notify_room
        highlight = self.highlights_everyone or everyone_mentioned or user_id in self.mentions
        notify = highlight or self.notifies_everyone
        return notify or self._invites(user_id), highlight

    def _invites(self, user_id: str) -> bool:
        return self.invite_target is not None and self.invite_target == fold(user_id)


SILENT: Final = EventPushClass()
_EVERYONE: Final = EventPushClass(notifies_everyone=True)
_NOTIFYING: Final = frozenset({"m.call.invite", "m.room.message", "m.room.encrypted"})
_NOTICE: Final = "m.notice"


def classify(event: Event) -> EventPushClass:
    """Class an event by the default rules, in their order; shared values where possible."""
    content, event_type = event.content, event.type
    if event_type not in _NOTIFYING:
        event_type = fold(event_type)
    if _is(content.get("msgtype"), _NOTICE):
        return SILENT
    if event_type == "m.room.member":
        return _classify_member(event)
    mentioned = content.get("m.mentions")
    if event_type == "m.room.tombstone" and event.state_key == "":
        return EventPushClass(notifies_everyone=True, highlights_everyone=True)
    notifies = event_type in _NOTIFYING and not _is_edit(content)
    if not isinstance(mentioned, dict) or not mentioned:
        return _EVERYONE if notifies else SILENT
    return _classify_mentions(mentioned, notifies=notifies)


def _classify_member(event: Event) -> EventPushClass:
    if event.state_key is None or not _is(event.membership, "invite"):
        return SILENT
    return EventPushClass(invite_target=fold(event.state_key))


def _classify_mentions(mentioned: JsonObject, *, notifies: bool) -> EventPushClass:
    user_ids = mentioned.get("user_ids")
    listed = user_ids if isinstance(user_ids, list | tuple) else ()
    mentions = tuple(dict.fromkeys(user for user in listed if isinstance(user, str)))
    room_mention = mentioned.get("room") is True
    if not mentions and not room_mention:
        return _EVERYONE if notifies else SILENT
    return EventPushClass(notifies, False, room_mention, mentions)


def _is_edit(content: JsonObject) -> bool:
    relation = content.get("m.relates_to")
    return isinstance(relation, dict) and relation.get("rel_type") == "m.replace"


def _is(value: Json, word: str) -> bool:
    """Whether a value is a word, without case, as `event_match` compares."""
    return isinstance(value, str) and len(value) == len(word) and fold(value) == word
