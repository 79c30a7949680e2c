"""Unpadded Base64 (appendices, "Unpadded Base64")."""

from __future__ import annotations

import pytest

from homeserver.domain.shared.base64 import decode_base64, encode_base64, encode_base64_url

EXAMPLES = [
    ("", ""),
    ("f", "Zg"),
    ("fo", "Zm8"),
    ("foo", "Zm9v"),
    ("foob", "Zm9vYg"),
    ("fooba", "Zm9vYmE"),
    ("foobar", "Zm9vYmFy"),
]


@pytest.mark.parametrize(("plain", "encoded"), EXAMPLES)
def test_examples_of_the_specification(plain: str, encoded: str) -> None:
    assert encode_base64(plain.encode()) == encoded
    assert decode_base64(encoded) == plain.encode()
    assert decode_base64(encoded + "=" * (-len(encoded) % 4)) == plain.encode()


def test_both_alphabets_are_read() -> None:
    data = b"\xfb\xff\xfe"
    assert (encode_base64(data), encode_base64_url(data)) == ("+//+", "-__-")
    assert decode_base64("+//+") == decode_base64("-__-") == data


@pytest.mark.parametrize("text", ["Z", "Zg?", "Z g", "Zg=a", "é", "Zm9v\n"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode_base64(text)
