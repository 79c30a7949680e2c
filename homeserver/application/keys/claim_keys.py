"""`POST /keys/claim`: keys to begin encrypted sessions with devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from homeserver.application.keys.claim_desk import Demand
from homeserver.application.keys.query_keys import failures_of
from homeserver.application.ports.one_time_key_store import Owner
from homeserver.domain.shared.canonical_json import RawJson
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError
from homeserver.domain.shared.identifiers import domain_of, is_user_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.keys.claim_desk import ClaimDesk
    from homeserver.application.ports.to_device_store import ToDeviceStore
    from homeserver.domain.shared.json import Json

MAX_DEVICES: Final = 10_000
"""Devices of one request."""


@dataclass(frozen=True, slots=True)
class ClaimKeys:
    """Hands out one-time keys of this server's devices, else their fallback keys."""

    devices: ToDeviceStore
    desk: ClaimDesk
    server_name: str

    async def __call__(self, wanted: Json) -> dict[str, Any]:
        """The answer for `one_time_keys`: user id → device id → algorithm.

        Users, devices and keys that are not there are left out. Raises BadJsonError,
        InvalidParamError, UnavailableError.
        """
        asked = _read_wanted(wanted)
        here = [user_id for user_id in asked if domain_of(user_id) == self.server_name]
        demands: dict[Demand, tuple[str, str]] = {}
        for user_id, devices in (await self.devices.terminals(here)).items():
            for user_nid, device_nid, device_id in devices:
                algorithm = asked[user_id].get(device_id)
                if algorithm is not None:
                    demand = Demand(Owner(user_nid, device_nid), algorithm)
                    demands[demand] = (user_id, device_id)
        found: dict[str, dict[str, Any]] = {}
        for demand, key in (await self.desk.claim(demands)).items():
            user_id, device_id = demands[demand]
            found.setdefault(user_id, {})[device_id] = {key.name: RawJson(key.body)}
        return {"failures": failures_of(asked, self.server_name), "one_time_keys": found}


def _read_wanted(wanted: Json) -> Mapping[str, Mapping[str, str]]:
    if not isinstance(wanted, dict):
        raise BadJsonError("one_time_keys must be an object")
    count = 0
    for user_id, devices in wanted.items():
        if not is_user_id(user_id):
            raise InvalidParamError("one_time_keys must be by user id")
        if not isinstance(devices, dict):
            raise BadJsonError("The devices of a user must be an object")
        if not all(isinstance(algorithm, str) for algorithm in devices.values()):
            raise BadJsonError("The algorithm for a device must be a string")
        count += len(devices)
    if count > MAX_DEVICES:
        raise InvalidParamError(f"At most {MAX_DEVICES} devices")
    return wanted
