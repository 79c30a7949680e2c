"""All application services of a server, and whose an id is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import MatrixError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from homeserver.domain.appservices.registration import Registration


class ExclusiveError(MatrixError):
    """A user or an alias that belongs to an application service, or does not to this one."""

    errcode = "M_EXCLUSIVE"


@dataclass(frozen=True, slots=True)
class Services:
    """The registered services, by id. Empty on a server that has none."""

    by_id: Mapping[str, Registration] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.by_id)

    def __iter__(self) -> Iterator[Registration]:
        """All of them."""
        return iter(self.by_id.values())

    def with_token(self, token_hash: bytes) -> Registration | None:
        """The service with this `as_token` (SHA-256)."""
        return next((each for each in self if each.as_token_hash == token_hash), None)

    def told_of_messages(self, user_id: str) -> list[Registration]:
        """The services that are sent the messages to a user's devices (MSC4203).

        Those that want ephemeral data, in whose namespace the user is, exclusive or not.
        """
        return [each for each in self if each.hears_messages and each.has_user(user_id)]

    def check_new_user(self, user_id: str, service: str | None) -> None:
        """Refuse to make a user, or to log one in; `service` is the id of who asks.

        ExclusiveError for users outside the service's namespace, and inside the exclusive one
        of another ("Server admin style permissions").
        """
        own = self.by_id.get(service or "")
        if own is not None and not own.has_user(user_id):
            raise ExclusiveError("This user is not in the application service's namespace")
        if any(each.claims_user(user_id) for each in self if each is not own):
            raise ExclusiveError("This user name belongs to an application service")

    def check_alias(self, alias: str, service: str | None) -> None:
        """Refuse to publish or remove an alias; ExclusiveError as for users."""
        own = self.by_id.get(service or "")
        if own is not None and not own.has_alias(alias):
            raise ExclusiveError("This alias is not in the application service's namespace")
        if any(each.claims_alias(alias) for each in self if each is not own):
            raise ExclusiveError("This alias belongs to an application service")


NO_SERVICES = Services()
