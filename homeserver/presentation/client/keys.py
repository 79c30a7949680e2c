"""`/keys`: publishing, asking for and claiming keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.errors import MissingParamError
from homeserver.presentation.client.uia import uia_call
from homeserver.presentation.middleware.rate_limits import client_key
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.keys.claim_keys import ClaimKeys
    from homeserver.application.keys.list_changes import ListChanges
    from homeserver.application.keys.query_keys import QueryKeys
    from homeserver.application.keys.upload_cross_signing import UploadCrossSigning
    from homeserver.application.keys.upload_keys import UploadKeys
    from homeserver.application.keys.upload_signatures import UploadSignatures
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


@dataclass(frozen=True, slots=True)
class KeyCases:
    """The use cases behind these endpoints."""

    upload: UploadKeys
    query: QueryKeys
    claim: ClaimKeys
    changes: ListChanges
    cross_signing: UploadCrossSigning
    signatures: UploadSignatures


def key_routes(cases: KeyCases) -> tuple[Route, ...]:
    """`/keys/…`."""

    async def post_upload(request: Request) -> Response:
        """Publish keys of one's device."""
        body = await request.json_object()
        counts = await cases.upload(
            request.requester,
            body.get("device_keys"),
            body.get("one_time_keys"),
            body.get("fallback_keys"),
        )
        return json_response({"one_time_key_counts": counts})

    async def post_query(request: Request) -> Response:
        """Ask for the devices and keys of users."""
        body = await request.json_object()
        return json_response(await cases.query(request.requester, _part(body, "device_keys")))

    async def post_claim(request: Request) -> Response:
        """Get one-time keys of devices."""
        body = await request.json_object()
        return json_response(await cases.claim(_part(body, "one_time_keys")))

    async def get_changes(request: Request) -> Response:
        """Who changed keys between two tokens."""
        start, end = request.param("from"), request.param("to")
        if start is None or end is None:
            raise MissingParamError("from and to are due")
        news = await cases.changes(request.requester, start, end)
        return json_response({"changed": sorted(news.changed), "left": sorted(news.left)})

    async def post_device_signing(request: Request) -> Response:
        """Publish one's cross-signing keys."""
        body = await request.json_object()
        call = uia_call(request, body)
        await cases.cross_signing(request.requester, body, call, client_key(request))
        return empty_object()

    async def post_signatures(request: Request) -> Response:
        """Publish signatures on devices and users."""
        body = await request.json_object()
        return json_response(await cases.signatures(request.requester, body))

    v3 = "/_matrix/client/v3/keys"
    signing, signatures = f"{v3}/device_signing/upload", f"{v3}/signatures/upload"
    old = ("r0",)
    return (
        Route("POST", f"{v3}/upload", post_upload, Auth.GUEST, "keys", old),
        Route("POST", f"{v3}/query", post_query, Auth.GUEST, "reads", old),
        Route("POST", f"{v3}/claim", post_claim, Auth.GUEST, "keys", old),
        Route("GET", f"{v3}/changes", get_changes, Auth.USER, "reads", old),
        Route("POST", signing, post_device_signing, Auth.USER, "keys"),
        Route("POST", signatures, post_signatures, Auth.USER, "keys"),
    )


def _part(body: dict[str, Any], name: str) -> Any:
    if name not in body:
        raise MissingParamError(f"{name} is missing")
    return body[name]
