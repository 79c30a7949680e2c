"""Sync tokens: what is refused, and what another store generation means."""

from __future__ import annotations

import pytest

from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.sync.token import (
    StaleToken,
    SyncToken,
    decode_token,
    encode_token,
    is_sync_token,
)
from homeserver.domain.sync.vector import Vector
from homeserver.domain.sync.wire import pack_number

GENERATION = b"generat1"
TOKEN = SyncToken(Vector({2: 300, 7: 1}), GENERATION, user=42, ephemeral=(5, 2**40))
TEXT = encode_token(TOKEN)


def test_a_token_comes_back_as_it_was() -> None:
    assert decode_token(TEXT, user=42, generation=GENERATION) == TOKEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s1_",
        "s1_AAAA",
        "garbage",
        TEXT[:-1],
        TEXT + "A",
        TEXT + "=",
        TEXT.replace("s1_", "s1_="),
        "s1_" + "A" * 20_000,
        "s1_é",
        "S1" + TEXT[2:],
        TEXT + "\n",
    ],
)
def test_E6_garbage_is_refused(text: str) -> None:
    with pytest.raises(InvalidParamError):
        decode_token(text, user=42, generation=GENERATION)


def test_E6_another_users_token_is_refused() -> None:
    with pytest.raises(InvalidParamError, match="another user"):
        decode_token(TEXT, user=43, generation=GENERATION)


def test_E6_a_token_of_another_version_is_refused_by_name() -> None:
    with pytest.raises(InvalidParamError, match="version"):
        decode_token("s4_" + TEXT[3:], user=42, generation=GENERATION)


def test_a_token_with_an_inbox_is_of_another_version_and_comes_back_as_it_was() -> None:
    token = TOKEN._replace(inbox=(2**60, 57))
    text = encode_token(token)
    assert text.startswith("s2_")
    assert decode_token(text, user=42, generation=GENERATION) == token


def test_E6_a_token_under_the_name_of_another_version_is_refused() -> None:
    with_inbox = encode_token(TOKEN._replace(inbox=(7, 57)))
    with_presence = encode_token(TOKEN._replace(presence=2**41))
    assert with_presence.startswith("s3_")
    misnamed = ("s2_" + TEXT[3:], "s1_" + with_inbox[3:], "s3_" + with_inbox[3:])
    for text in (*misnamed, "s2_" + with_presence[3:]):
        with pytest.raises(InvalidParamError):
            decode_token(text, user=42, generation=GENERATION)


def test_F14_a_token_of_another_generation_is_returned_flagged() -> None:
    assert decode_token(TEXT, user=42, generation=b"generat2") == StaleToken(TOKEN)


def test_a_position_token_is_no_sync_token() -> None:
    assert is_sync_token(TEXT)
    assert is_sync_token("s2_x")
    assert not is_sync_token("t1_4-0b")


def test_tokens_made_from_one_vector_and_from_an_equal_one_are_the_same() -> None:
    twin = SyncToken(Vector({7: 1, 2: 300, 9: 0}), GENERATION, 42, (5, 2**40))
    assert encode_token(twin) == TEXT


def test_small_and_large_numbers_have_the_same_form() -> None:
    assert pack_number(0) == b"\0"
    assert pack_number(1023) == b"\x02\x03\xff"
    assert pack_number(1024) == b"\x02\x04\x00"
