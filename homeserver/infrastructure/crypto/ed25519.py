"""Ed25519 keys by `cryptography`, and the file that holds the server's own.

The file has one line, `ed25519 a_XXXX <seed in unpadded Base64>`, and mode 0600.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from homeserver.domain.events.limits import MAX_KEY_VERSION_LENGTH
from homeserver.domain.shared.base64 import decode_base64, encode_base64

_VERSION = re.compile(rf"[A-Za-z0-9_]{{1,{MAX_KEY_VERSION_LENGTH}}}").fullmatch


class KeyFileError(ValueError):
    """A key file that does not hold a key that Firn can use."""


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """A public key; a `Verifier`."""

    key: Ed25519PublicKey

    @classmethod
    def from_base64(cls, text: str) -> Ed25519Verifier:
        """Read a public key as servers publish it; ValueError where it is none."""
        return cls(Ed25519PublicKey.from_public_bytes(decode_base64(text)))

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key made the signature."""
        try:
            self.key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """A private key with its id; a `Signer`."""

    key_id: str
    key: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, version: str, seed: bytes) -> Ed25519Signer:
        """Make the key of a 32-byte seed; ValueError for another length or a bad version."""
        if _VERSION(version) is None:
            raise KeyFileError(
                f"A key version has 1 to {MAX_KEY_VERSION_LENGTH} of the characters A-Z a-z 0-9 _"
            )
        return cls(f"ed25519:{version}", Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public_key_base64(self) -> str:
        """The public key as `/_matrix/key/v2/server` publishes it."""
        return encode_base64(self.key.public_key().public_bytes_raw())

    @property
    def verifier(self) -> Ed25519Verifier:
        """The public half."""
        return Ed25519Verifier(self.key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Return the detached signature, 64 bytes."""
        return self.key.sign(message)


def load_signer(path: Path) -> Ed25519Signer:
    """Read the server's key; KeyFileError for a malformed file, OSError for an absent one."""
    match path.read_text("ascii", "replace").split():
        case ["ed25519", version, seed]:
            return _signer_of(path, version, seed)
        case _:
            raise KeyFileError(f"{path}: expected one line `ed25519 <version> <seed>`")


def load_or_create_signer(path: Path) -> Ed25519Signer:
    """Read the server's key, making the file first where there is none.

    The file is made whole or not at all, so that processes that start together end up
    with one key.
    """
    if not path.exists():
        _create_key_file(path)
    return load_signer(path)


def _signer_of(path: Path, version: str, seed: str) -> Ed25519Signer:
    try:
        return Ed25519Signer.from_seed(version, decode_base64(seed))
    except ValueError as error:
        raise KeyFileError(f"{path}: {error}") from error


def _create_key_file(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    line = f"ed25519 {_version_of(key)} {encode_base64(key.private_bytes_raw())}\n"
    # The draft has mode 0600 from the start, and linking fails where a file is already.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another process was first; its key is the server's
    finally:
        draft.unlink()


def _version_of(key: Ed25519PrivateKey) -> str:
    """Name a key after its public half, so that another key has another name."""
    return "a_" + sha256(key.public_key().public_bytes_raw()).hexdigest()[:4]
