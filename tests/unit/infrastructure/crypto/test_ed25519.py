"""The server's key and its file."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from homeserver.domain.shared.base64 import decode_base64
from homeserver.infrastructure.crypto.ed25519 import (
    Ed25519Verifier,
    KeyFileError,
    load_or_create_signer,
    load_signer,
)

if TYPE_CHECKING:
    from pathlib import Path

SEED = "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1"


def test_a_new_key_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    first = load_or_create_signer(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"ed25519 a_[0-9a-f]{4} [A-Za-z0-9+/]{43}\n", path.read_text())
    again = load_or_create_signer(path)
    assert (again.key_id, again.public_key_base64) == (first.key_id, first.public_key_base64)
    assert [file.name for file in tmp_path.iterdir()] == ["signing.key"]


def test_a_new_key_is_named_after_its_public_half(tmp_path: Path) -> None:
    signer = load_or_create_signer(tmp_path / "signing.key")
    public = decode_base64(signer.public_key_base64)
    assert signer.key_id == f"ed25519:a_{sha256(public).hexdigest()[:4]}"


def test_two_new_keys_differ(tmp_path: Path) -> None:
    one, other = (load_or_create_signer(tmp_path / name) for name in ("one", "other"))
    assert one.public_key_base64 != other.public_key_base64


def test_a_key_of_another_server_software_is_read(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    path.write_text(f"ed25519 a_AbCd {SEED}=\n")
    signer = load_signer(path)
    assert signer.key_id == "ed25519:a_AbCd"
    verifier = Ed25519Verifier.from_base64(signer.public_key_base64)
    assert verifier.verify(b"message", signer.sign(b"message"))
    assert not verifier.verify(b"massage", signer.sign(b"message"))
    assert not verifier.verify(b"message", b"short")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "é",
        f"rsa a_AbCd {SEED}",
        f"ed25519 {SEED}",
        "ed25519 a_AbCd %%%",
        "ed25519 a_AbCd Zm9v",
        f"ed25519 a_TooLong {SEED}",
        f"ed25519 a-b {SEED}",
    ],
)
def test_a_malformed_file_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "signing.key"
    path.write_text(text)
    with pytest.raises(KeyFileError):
        load_or_create_signer(path)
    assert path.read_text() == text


def test_a_public_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Ed25519Verifier.from_base64("Zm9v")
