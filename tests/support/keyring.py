"""Keys as clients make them: of a device, and of a user."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from homeserver.domain.shared.base64 import encode_base64
from homeserver.domain.shared.canonical_json import encode_canonical

if TYPE_CHECKING:
    from tests.support.client import Device

ALGORITHM = "signed_curve25519"
_seeds = count(1)
_key_ids = count(1)


@dataclass
class Key:
    """A private Ed25519 key; each is another one."""

    private: Ed25519PrivateKey = field(
        default_factory=lambda: Ed25519PrivateKey.from_private_bytes(
            next(_seeds).to_bytes(32, "big")
        )
    )

    @property
    def public(self) -> str:
        """The public half, in unpadded Base64."""
        return encode_base64(self.private.public_key().public_bytes_raw())

    def sign(self, value: dict[str, Any], user_id: str, name: str) -> dict[str, Any]:
        """An object with a signature more, under a name without its algorithm."""
        covered = {k: v for k, v in value.items() if k not in ("signatures", "unsigned")}
        signature = encode_base64(self.private.sign(encode_canonical(covered)))
        signatures = {user: dict(names) for user, names in value.get("signatures", {}).items()}
        signatures.setdefault(user_id, {})[f"ed25519:{name}"] = signature
        return {**value, "signatures": signatures}


class Keyring:
    """The keys of one device."""

    def __init__(self, phone: Device) -> None:
        """Make an identity."""
        self.phone = phone
        self.user_id, self.device_id = phone.user_id, phone.device_id
        self.key = Key()
        self.fallbacks: set[str] = set()

    def device_keys(self, **more: Any) -> dict[str, Any]:
        """The identity keys, signed."""
        keys = {
            "user_id": self.user_id,
            "device_id": self.device_id,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": {
                f"ed25519:{self.device_id}": self.key.public,
                f"curve25519:{self.device_id}": Key().public,
            },
            **more,
        }
        return self.sign(keys)

    def sign(self, value: dict[str, Any]) -> dict[str, Any]:
        """Sign as this device."""
        return self.key.sign(value, self.user_id, self.device_id)

    def one_time(self, number: int, **more: Any) -> dict[str, Any]:
        """New one-time keys by name."""
        found = {}
        for _ in range(number):
            name = f"{ALGORITHM}:K{next(_key_ids):06}"
            found[name] = self.sign({"key": Key().public, **more})
        return found

    async def upload(self, number: int = 0, *, fallback: bool = False, **more: Any) -> Any:
        """Publish new one-time keys and what else is said; the answer's counts."""
        body = {"one_time_keys": self.one_time(number), **more}
        if fallback:
            body["fallback_keys"] = self.one_time(1, fallback=True)
            self.fallbacks |= set(body["fallback_keys"])
        answer = await self.phone.call("POST", "/keys/upload", body)
        return answer["one_time_key_counts"]

    async def publish(self, **more: Any) -> dict[str, Any]:
        """Publish identity keys: new ones each time."""
        keys = self.device_keys(**more)
        await self.upload(device_keys=keys)
        return keys


class Identity:
    """The cross-signing keys of a user."""

    def __init__(self, user_id: str) -> None:
        """Make all three."""
        self.user_id = user_id
        self.master, self.self_signing, self.user_signing = Key(), Key(), Key()

    def key_of(self, usage: str) -> dict[str, Any]:
        """A key as it is uploaded: `master`, `self_signing` or `user_signing`."""
        key: Key = getattr(self, usage)
        value = {
            "user_id": self.user_id,
            "usage": [usage],
            "keys": {f"ed25519:{key.public}": key.public},
        }
        if usage == "master":
            return value
        return self.master.sign(value, self.user_id, self.master.public)

    @property
    def body(self) -> dict[str, Any]:
        """The body that uploads them."""
        usages = ("master", "self_signing", "user_signing")
        return {f"{usage}_key": self.key_of(usage) for usage in usages}

    async def upload(self, phone: Device, **more: Any) -> None:
        """Publish them."""
        await phone.call("POST", "/keys/device_signing/upload", {**self.body, **more})

    def sign_device(self, device_keys: dict[str, Any]) -> dict[str, Any]:
        """Sign a device of one's own."""
        return self.self_signing.sign(device_keys, self.user_id, self.self_signing.public)

    def sign_user(self, master: dict[str, Any]) -> dict[str, Any]:
        """Sign somebody else's master key."""
        return self.user_signing.sign(master, self.user_id, self.user_signing.public)


async def query(phone: Device, *users: str, devices: Any = ()) -> Any:
    """The answer of /keys/query."""
    body = {"device_keys": {user: list(devices) for user in users}}
    return await phone.call("POST", "/keys/query", body)


async def claim(phone: Device, target: Device, algorithm: str = ALGORITHM) -> str | None:
    """Claim a key of a device: its name."""
    wanted = {target.user_id: {target.device_id: algorithm}}
    answer = await phone.call("POST", "/keys/claim", {"one_time_keys": wanted})
    keys = answer["one_time_keys"].get(target.user_id, {}).get(target.device_id, {})
    return next(iter(keys), None)
