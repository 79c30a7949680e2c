"""Presence as clients read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.presence.presence import shown

if TYPE_CHECKING:
    from homeserver.application.presence.person import Person


def presence_content(person: Person, now_ms: int) -> dict[str, Any]:
    """The content of `m.presence` as of now; the times that are not known are absent."""
    word = person.word._replace(active_ms=max(person.active_ms, person.word.active_ms))
    state, active, status_msg = shown(word, now_ms)
    content: dict[str, Any] = {"presence": state, "currently_active": active}
    if word.active_ms:
        content["last_active_ago"] = max(now_ms - word.active_ms, 0)
    if status_msg is not None:
        content["status_msg"] = status_msg
    return content
