"""Canonical JSON against an independent implementation."""

from __future__ import annotations

from typing import Any

import pytest
from canonicaljson import encode_canonical_json
from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.shared.canonical_json import check_canonical, decode_json, encode_canonical
from homeserver.domain.shared.errors import BadJsonError, NotJsonError
from tests.properties.strategies import scalars, values


@given(values)
def test_the_bytes_are_those_of_canonicaljson(value: Any) -> None:
    check_canonical(value)
    assert encode_canonical(value) == encode_canonical_json(value)


@given(values)
def test_reading_gives_back_what_was_written(value: Any) -> None:
    assert decode_json(encode_canonical(value)) == value


@given(st.dictionaries(st.text(min_size=1, max_size=3), scalars, max_size=20))
def test_keys_are_in_order_of_codepoints(value: dict[str, Any]) -> None:
    assert list(decode_json(encode_canonical(value))) == sorted(value)


@given(st.binary(max_size=80) | st.text('[]{}",:0123456789.eE-+ntfu\\d8', max_size=60))
def test_any_bytes_are_read_or_refused_never_worse(body: bytes | str) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    try:
        value = decode_json(raw)
        check_canonical(value)
    except (NotJsonError, BadJsonError):
        return
    assert decode_json(encode_canonical(value)) == value


@given(
    values,
    st.floats()
    | st.integers(min_value=2**53)
    | st.integers(max_value=-(2**53))
    | st.just("\ud800"),
)
def test_one_bad_value_anywhere_is_found(value: Any, bad: Any) -> None:
    for holder in ([value, bad], {"a": value, "b": {"c": [bad]}}, [[[bad]], value], bad):
        with pytest.raises(BadJsonError):
            check_canonical(holder)
