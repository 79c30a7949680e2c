"""`POST /keys/query`: the devices and identity keys of users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.devices.cross_signing import Usage
from homeserver.domain.devices.signed import with_signatures
from homeserver.domain.shared.canonical_json import decode_object
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError
from homeserver.domain.shared.identifiers import domain_of, is_user_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from homeserver.application.ports.key_store import KeyStore, PublishedKeys
    from homeserver.application.requester import Requester
    from homeserver.domain.shared.json import Json

MAX_USERS: Final = 10_000
"""Users of one request."""
Signatures = dict[tuple[str, str], dict[str, dict[str, str]]]
"""(user id, device id or public key) → signer → name → signature."""


@dataclass(frozen=True, slots=True)
class QueryKeys:
    """Gives the published keys of this server's users."""

    store: KeyStore
    server_name: str

    async def __call__(self, requester: Requester, wanted: Json) -> dict[str, Any]:
        """The answer for `device_keys`: user id → device ids, none for all of them.

        Users and devices that are not known are left out; there is no way to other servers yet,
        which is said of each. Raises BadJsonError, InvalidParamError.
        """
        devices = read_wanted(wanted)
        here = [user_id for user_id in devices if domain_of(user_id) == self.server_name]
        found = await self.store.published(here, requester.user_nid)
        signatures: Signatures = {}
        for user_id, key_id, (signer, name, text) in found.signatures:
            signatures.setdefault((user_id, key_id), {}).setdefault(signer, {})[name] = text
        return {
            "failures": failures_of(devices, self.server_name),
            "device_keys": _devices(found, devices, signatures),
            **_cross_signing(found, requester.user_id, signatures),
        }


def failures_of(user_ids: Iterable[str], server_name: str) -> dict[str, Any]:
    """The `failures` of an answer: one for each other server."""
    away = {domain_of(user_id) for user_id in user_ids} - {server_name}
    error = {"errcode": "M_UNKNOWN", "error": "That server cannot be reached"}
    return dict.fromkeys(sorted(away), error)


def read_wanted(wanted: Json) -> Mapping[str, Collection[str]]:
    """A request's `device_keys`. Raises BadJsonError, InvalidParamError."""
    if not isinstance(wanted, dict):
        raise BadJsonError("device_keys must be an object")
    if len(wanted) > MAX_USERS:
        raise InvalidParamError(f"At most {MAX_USERS} users")
    for user_id, devices in wanted.items():
        if not is_user_id(user_id):
            raise InvalidParamError("device_keys must be by user id")
        if not isinstance(devices, list) or not all(isinstance(each, str) for each in devices):
            raise BadJsonError("The devices of a user must be a list of strings")
    return wanted


def _devices(
    found: PublishedKeys, wanted: Mapping[str, Collection[str]], signatures: Signatures
) -> dict[str, Any]:
    """The devices asked for by user; a user without any is there too."""
    answer: dict[str, Any] = {user_id: {} for user_id in found.users}
    chosen = {user_id: set(devices) for user_id, devices in wanted.items() if devices}
    for user_id, device_id, name, body in found.devices:
        if user_id in chosen and device_id not in chosen[user_id]:
            continue
        device = with_signatures(decode_object(body), signatures.get((user_id, device_id), {}))
        answer[user_id][device_id] = {**device, "unsigned": _unsigned(name)}
    return answer


def _unsigned(name: str | None) -> dict[str, str]:
    return {} if name is None else {"device_display_name": name}


def _cross_signing(
    found: PublishedKeys, asker: str, signatures: Signatures
) -> dict[str, dict[str, Any]]:
    """The keys of users by usage; what signs others is shown to its owner alone."""
    answer: dict[str, dict[str, Any]] = {f"{usage.field}s": {} for usage in Usage}
    for user_id, keys in found.cross_signing.items():
        for usage, key in keys.items():
            if usage is Usage.USER_SIGNING and user_id != asker:
                continue
            more = signatures.get((user_id, key.public_key), {})
            shown = with_signatures(decode_object(key.body), more)
            answer[f"{usage.field}s"][user_id] = shown
    return answer
