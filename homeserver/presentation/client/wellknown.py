"""`/.well-known/matrix/client` and `/.well-known/matrix/support` (server discovery)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.presentation.responses import json_bytes

if TYPE_CHECKING:
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response
    from homeserver.presentation.routing import Handler


@dataclass(frozen=True, slots=True)
class SupportContact:
    """Somebody to write to; at least one of the two addresses is given.

    `role` is `m.role.admin`, `m.role.security` or a namespaced one.
    """

    role: str
    matrix_id: str | None = None
    email_address: str | None = None

    def __post_init__(self) -> None:
        """Refuse a contact that cannot be reached."""
        if self.matrix_id is None and self.email_address is None:
            msg = f"Support contact {self.role} needs a Matrix id or an email address"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Support:
    """What `/.well-known/matrix/support` says."""

    contacts: tuple[SupportContact, ...] = ()
    support_page: str | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to say; the spec wants one of the two."""
        return bool(self.contacts or self.support_page)


def client_wellknown_handler(base_url: str) -> Handler:
    """Tell clients where the Client-Server API is; `base_url` as they reach it."""
    return _document({"m.homeserver": {"base_url": base_url.rstrip("/")}})


def support_handler(support: Support) -> Handler:
    """Tell people whom to write to."""
    document: dict[str, Any] = {}
    if support.contacts:
        document["contacts"] = [_contact(contact) for contact in support.contacts]
    if support.support_page is not None:
        document["support_page"] = support.support_page
    return _document(document)


def _contact(contact: SupportContact) -> dict[str, str]:
    fields = {
        "role": contact.role,
        "matrix_id": contact.matrix_id,
        "email_address": contact.email_address,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _document(document: dict[str, Any]) -> Handler:
    body = msgspec.json.encode(document)

    async def wellknown(_request: Request) -> Response:
        return json_bytes(body)

    return wellknown
