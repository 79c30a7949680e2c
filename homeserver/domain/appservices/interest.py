"""Which services an event concerns (AS API, "Registration", "Pushing events")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from homeserver.domain.appservices.registration import Registration
    from homeserver.domain.appservices.services import Services
    from homeserver.domain.events.event import Event


class RoomInterest:
    """Who of each service is in a room, as of position `seq`, which moves with `follow`.

    `joined` has the users by the id of their service; `aliases` are those of the room now.
    """

    __slots__ = ("_by_id", "_services", "aliases", "joined", "room_id", "seq")

    def __init__(self, services: Services, room_id: str, seq: int, members: Iterable[str]) -> None:
        """Begin with the joined members at a position."""
        self._services = services
        self.room_id = room_id
        self.seq = seq
        self.joined: dict[str, set[str]] = {each.id: set() for each in services}
        self.aliases: Collection[str] = ()
        self._by_id = {each.id for each in services if each.has_room(room_id)}
        for user_id in members:
            self._set(user_id, joined=True)

    @property
    def is_any(self) -> bool:
        """Whether some service hears all that happens here."""
        return any(self.wants_all(each) for each in self._services)

    def wants_all(self, service: Registration) -> bool:
        """Whether a service hears all that happens here."""
        return (
            service.id in self._by_id
            or bool(self.joined[service.id])
            or any(service.has_alias(alias) for alias in self.aliases)
        )

    def follow(self, event: Event, seq: int) -> list[str]:
        """Take in the next event; give the ids of the services that it concerns."""
        before = {each.id for each in self._services if self.wants_all(each)}
        if event.type == MEMBER and event.state_key is not None:
            self._set(event.state_key, joined=event.membership == JOIN)
        self.seq = seq
        return [
            each.id
            for each in self._services
            if each.id in before
            or self.wants_all(each)
            or each.has_user(event.sender)
            or (event.state_key is not None and each.has_user(event.state_key))
        ]

    def _set(self, user_id: str, *, joined: bool) -> None:
        for service in self._services:
            if not joined:
                self.joined[service.id].discard(user_id)
            elif service.has_user(user_id):
                self.joined[service.id].add(user_id)
