"""What is sent to devices, and its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from homeserver.domain.events.limits import MAX_EVENT_BYTES, MAX_KEY_BYTES, fits_key
from homeserver.domain.shared.canonical_json import check_canonical, encode_canonical
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError, TooLargeError
from homeserver.domain.shared.identifiers import is_user_id

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL_DEVICES: Final = "*"
"""In the place of a device id: every device of the user."""
AT_ONCE: Final = 100
"""Messages in one answer of /sync at most ("100 messages is recommended")."""
BYTES_AT_ONCE: Final = 1024 * 1024
"""Bytes of messages in one answer, but for the first one."""

Place = TypeVar("Place")


class Message(NamedTuple):
    """A message as it is addressed: a user, a device id or `ALL_DEVICES`, the event's JSON."""

    user_id: str
    device_id: str
    body: bytes


def message_body(sender: str, kind: str, content: Any) -> bytes:
    """The event that a device gets, as canonical JSON.

    Raises BadJsonError for a content that is no object of what events may hold,
    InvalidParamError for an empty type or one of more than 255 bytes, and TooLargeError for
    an event of more than 65,536 bytes.
    """
    if not kind or not fits_key(kind):
        raise InvalidParamError(f"The type must have 1 to {MAX_KEY_BYTES} bytes")
    if not isinstance(content, dict):
        raise BadJsonError("The content of a message must be an object")
    check_canonical(content)
    body = encode_canonical({"content": content, "sender": sender, "type": kind})
    if len(body) > MAX_EVENT_BYTES:
        raise TooLargeError(f"A message may have at most {MAX_EVENT_BYTES} bytes")
    return body


def read_messages(sender: str, kind: str, messages: Any) -> Iterator[Message]:
    """The messages of a request: user id → device id or `*` → content.

    Raises BadJsonError for another shape, InvalidParamError for what is no user id, and as
    `message_body` does.
    """
    if not isinstance(messages, dict):
        raise BadJsonError("messages must be an object")
    for user_id, contents in messages.items():
        if not is_user_id(user_id):
            raise InvalidParamError("messages must be by user id")
        if not isinstance(contents, dict):
            raise BadJsonError("The messages to a user must be an object")
        for device_id, content in contents.items():
            yield Message(user_id, device_id, message_body(sender, kind, content))


def fitting(
    messages: list[tuple[Place, bytes]], most: int = BYTES_AT_ONCE
) -> list[tuple[Place, bytes]]:
    """As many of these as one answer holds, from the first on: at most so many bytes."""
    size = 0
    for count, (_, body) in enumerate(messages):
        size += len(body)
        if count == AT_ONCE or (count and size > most):
            return messages[:count]
    return messages
