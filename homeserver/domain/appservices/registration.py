"""An application service as its registration describes it (AS API, "Registration")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Namespace:
    """Ids whose beginning a regular expression matches; `exclusive` to its service."""

    regex: str
    exclusive: bool
    matches: Callable[[str], bool] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Registration:
    """One service.

    `url` is None where it wants no traffic. Of `as_token` only the SHA-256 is kept; `hs_token`
    is what the service knows this server by. `sender` is the user id of `sender_localpart`.
    """

    id: str
    url: str | None
    as_token_hash: bytes = field(repr=False)
    hs_token: str = field(repr=False)
    sender: str
    users: tuple[Namespace, ...] = ()
    aliases: tuple[Namespace, ...] = ()
    rooms: tuple[Namespace, ...] = ()
    protocols: tuple[str, ...] = ()
    rate_limited: bool = True
    receive_ephemeral: bool = False

    @property
    def server_name(self) -> str:
        """The server that it belongs to."""
        return self.sender.partition(":")[2]

    @property
    def hears_messages(self) -> bool:
        """Whether messages to the devices of its users are sent to it."""
        return self.receive_ephemeral and self.url is not None

    def has_user(self, user_id: str) -> bool:
        """Whether this is its sender, or a user of this server in its namespace."""
        return user_id == self.sender or (
            self._is_local(user_id) and _any_matches(self.users, user_id)
        )

    def has_alias(self, alias: str) -> bool:
        """Whether an alias is in its namespace."""
        return _any_matches(self.aliases, alias)

    def has_room(self, room_id: str) -> bool:
        """Whether a room id is in its namespace."""
        return _any_matches(self.rooms, room_id)

    def claims_user(self, user_id: str) -> bool:
        """Whether nobody else may make or use this user."""
        return user_id == self.sender or (
            self._is_local(user_id) and _any_matches(_exclusive(self.users), user_id)
        )

    def claims_alias(self, alias: str) -> bool:
        """Whether nobody else may publish or remove this alias."""
        return _any_matches(_exclusive(self.aliases), alias)

    def _is_local(self, user_id: str) -> bool:
        return user_id.partition(":")[2] == self.server_name


def _any_matches(namespaces: tuple[Namespace, ...], text: str) -> bool:
    return any(namespace.matches(text) for namespace in namespaces)


def _exclusive(namespaces: tuple[Namespace, ...]) -> tuple[Namespace, ...]:
    return tuple(namespace for namespace in namespaces if namespace.exclusive)
