"""Unpadded Base64, standard and URL-safe (appendices, "Unpadded Base64")."""

from __future__ import annotations

import binascii
from base64 import b64decode

_TO_URL = bytes.maketrans(b"+/", b"-_")
_TO_STANDARD = str.maketrans("-_", "+/")


def encode_base64(data: bytes) -> str:
    """Encode with the standard alphabet, without padding."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").decode()


def encode_base64_url(data: bytes) -> str:
    """Encode with the URL-safe alphabet, without padding."""
    # the standard library's function of this name takes twice as long; ids are made often
    encoded = binascii.b2a_base64(data, newline=False).rstrip(b"=")
    return encoded.translate(_TO_URL).decode()


def decode_base64(text: str) -> bytes:
    """Decode either alphabet, with or without padding; ValueError for anything else."""
    stripped = text.rstrip("=").translate(_TO_STANDARD)
    padded = stripped + "=" * (-len(stripped) % 4)
    return b64decode(padded, validate=True)
