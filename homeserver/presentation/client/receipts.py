"""Receipts and read markers (Client-Server API, "Receipts", "Fully read markers")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.receipts.receipts import (
    RECEIPT_TYPES,
    check_receipt_type,
    parse_thread_id,
)
from homeserver.domain.shared.errors import BadJsonError
from homeserver.presentation.responses import empty_object
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.receipts.mark_read import MarkRead
    from homeserver.domain.shared.json import JsonObject
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def receipt_routes(mark_read: MarkRead) -> tuple[Route, ...]:
    """`/receipt/{receiptType}/{eventId}` and `/read_markers`."""

    async def post_receipt(request: Request) -> Response:
        """Say how far one has read."""
        body = await request.json_object(optional=True)
        kind, event_id = request.params["receiptType"], request.params["eventId"]
        thread = receipt_thread(body, kind)
        await mark_read(request.requester, request.params["roomId"], {kind: event_id}, thread)
        return empty_object()

    async def post_read_markers(request: Request) -> Response:
        """Set the fully-read marker and receipts at once."""
        body = await request.json_object(optional=True)
        await mark_read(request.requester, request.params["roomId"], read_marks(body))
        return empty_object()

    room = "/_matrix/client/v3/rooms/{roomId}"
    return (
        Route(
            "POST",
            f"{room}/receipt/{{receiptType}}/{{eventId}}",
            post_receipt,
            Auth.USER,
            "receipts",
            ("r0",),
        ),
        Route("POST", f"{room}/read_markers", post_read_markers, Auth.USER, "receipts", ("r0",)),
    )


def receipt_thread(body: JsonObject, kind: str) -> str | None:
    """The thread that a receipt of a kind names. Raises as the domain's checks do."""
    check_receipt_type(kind)
    return parse_thread_id(body["thread_id"], kind) if "thread_id" in body else None


def read_marks(body: JsonObject) -> dict[str, str]:
    """The marks of a body, receipt type to event id; BadJsonError for another type."""
    marks = {kind: body[kind] for kind in RECEIPT_TYPES if body.get(kind) is not None}
    if not all(isinstance(event_id, str) for event_id in marks.values()):
        raise BadJsonError("A read marker must be an event id")
    return marks
