"""End-to-end encryption, the server's share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.keys.claim_desk import ClaimDesk
from homeserver.application.keys.claim_keys import ClaimKeys
from homeserver.application.keys.query_keys import QueryKeys
from homeserver.application.keys.upload_cross_signing import UploadCrossSigning
from homeserver.application.keys.upload_keys import UploadKeys
from homeserver.application.keys.upload_signatures import UploadSignatures
from homeserver.infrastructure.crypto.ed25519 import Ed25519Verifier
from homeserver.infrastructure.sql.device_changes import SqlDeviceChanges
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from homeserver.infrastructure.sql.key_store import SqlKeyStore
from homeserver.infrastructure.sql.one_time_key_store import SqlOneTimeKeyStore
from homeserver.infrastructure.sql.to_device_store import SqlToDeviceStore
from homeserver.presentation.client.keys import KeyCases, key_routes

if TYPE_CHECKING:
    from homeserver.application.accounts.confirm_identity import ConfirmIdentity
    from homeserver.application.keys.list_changes import ListChanges
    from homeserver.application.ports.users import Users
    from homeserver.bootstrap.core import Core
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class KeyParts:
    """The routes, and the cases behind them."""

    routes: tuple[Route, ...]
    cases: KeyCases


def build_keys(
    core: Core, users: Users, confirm: ConfirmIdentity, list_changes: ListChanges
) -> KeyParts:
    """Wire uploads, queries and claims of keys."""
    database, writer, news = core.database, core.writer, core.key_news
    store, one_time = SqlKeyStore(database), SqlOneTimeKeyStore(database)
    read_key = Ed25519Verifier.from_base64
    cases = KeyCases(
        upload=UploadKeys(store, one_time, news, writer, read_key),
        query=QueryKeys(store, core.server_name),
        claim=ClaimKeys(SqlToDeviceStore(database), ClaimDesk(one_time, writer), core.server_name),
        changes=list_changes,
        cross_signing=UploadCrossSigning(
            confirm=confirm,
            store=store,
            devices=SqlDeviceStore(database),
            news=news,
            writer=writer,
            read_key=read_key,
        ),
        signatures=UploadSignatures(
            store=store,
            signatures=store,
            changes=SqlDeviceChanges(database),
            users=users,
            news=news,
            writer=writer,
            read_key=read_key,
        ),
    )
    return KeyParts(key_routes(cases), cases)
