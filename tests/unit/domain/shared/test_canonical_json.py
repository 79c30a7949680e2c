"""Canonical JSON and strict reading (appendices, "Canonical JSON"; bad inputs A1 to A3)."""

from __future__ import annotations

import pytest

from homeserver.domain.shared.canonical_json import (
    check_canonical,
    decode_json,
    decode_object,
    encode_canonical,
    encode_json,
)
from homeserver.domain.shared.errors import BadJsonError, NotJsonError

SPEC_EXAMPLES = [
    ("{}", "{}"),
    ('{"one": 1, "two": "Two"}', '{"one":1,"two":"Two"}'),
    ('{"b": "2", "a": "1"}', '{"a":"1","b":"2"}'),
    ('{"b":"2","a":"1"}', '{"a":"1","b":"2"}'),
    (
        """{"auth": {"success": true, "mxid": "@john.doe:example.com", "profile": {
            "display_name": "John Doe", "three_pids": [
                {"medium": "email", "address": "john.doe@example.org"},
                {"medium": "msisdn", "address": "123456789"}]}}}""",
        (
            '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe",'
            '"three_pids":[{"address":"john.doe@example.org","medium":"email"},'
            '{"address":"123456789","medium":"msisdn"}]},"success":true}}'
        ),
    ),
    ('{"a": "日本語"}', '{"a":"日本語"}'),
    ('{"本": 2, "日": 1}', '{"日":1,"本":2}'),
    (r'{"a": "\u65E5"}', '{"a":"日"}'),
    ('{"a": null}', '{"a":null}'),
    ('{"a": -0}', '{"a":0}'),
]


@pytest.mark.parametrize(("given", "canonical"), SPEC_EXAMPLES)
def test_examples_of_the_specification(given: str, canonical: str) -> None:
    value = decode_json(given.encode())
    check_canonical(value)
    assert encode_canonical(value) == canonical.encode()


def test_keys_sort_by_codepoint_not_by_utf16_unit() -> None:
    # In UTF-16 the astral key begins with a surrogate (D800) and would come first.
    assert encode_canonical({"\U00010000": 2, "\uffff": 1}) == (
        '{"\uffff":1,"\U00010000":2}'.encode()
    )


def test_escapes_are_the_shortest_and_hexadecimals_are_lower_case() -> None:
    text = '\x00\x1f\b\t\n\f\r"\\/\x7f\u2028é'
    assert encode_canonical(text) == (
        b'"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/\x7f' + "\u2028é".encode() + b'"'
    )


def test_plain_json_has_the_same_value_in_the_order_given() -> None:
    assert encode_json({"b": ("日", None), "a": 1}) == '{"b":["日",null],"a":1}'.encode()


def test_encoding_refuses_a_lone_surrogate() -> None:
    with pytest.raises(BadJsonError):
        encode_canonical({"body": "\ud800"})


def test_encoding_refuses_endless_nesting() -> None:
    with pytest.raises(BadJsonError):
        encode_canonical(nested(10_000))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b'{"a": 1',
        b'{"a": NaN}',
        b"Infinity",
        b"-Infinity",
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": "é"}'.encode("latin-1"),
        rb'{"a": "\ud800"}',
        rb'{"a": "\ud800x"}',
        rb'{"a": "\udc00\ud800"}',
        b'{"a": "\xed\xa0\x80"}',
        b"[1,]",
        b'{"a": 1} x',
        b"01",
        b"'a'",
        b'"a\nb"',
    ],
)
def test_A1_what_is_not_json_is_refused_as_such(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        decode_json(body)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1"]
)
def test_A2_a_hundred_thousand_levels_are_not_json_and_do_no_harm(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        decode_json(body)


@pytest.mark.parametrize(
    "number",
    [
        b"1.5",
        b"1.0",
        b"-0.0",
        b"1e3",
        b"9007199254740992",
        b"-9007199254740992",
        b"123456789012345678901234567890",
    ],
)
@pytest.mark.parametrize("frame", [b'{"a": %b}', b'{"a": [{"b": [%b]}]}', b"%b"])
def test_A3_numbers_that_no_event_may_hold_decode_and_are_then_refused(
    number: bytes, frame: bytes
) -> None:
    value = decode_json(frame % number)
    with pytest.raises(BadJsonError):
        check_canonical(value)


HUGE_NUMBERS = [b"1e400", b"-1e400", b"1" * 400, b"1" * 10_000, b"-" + b"1" * 10_000]


@pytest.mark.parametrize("number", HUGE_NUMBERS)
def test_A3_a_number_beyond_all_range_spoils_nothing_beside_it(number: bytes) -> None:
    good, bad = decode_json(b'[{"a": [1, "\xc3\xa9", null]}, {"a": ' + number + b"}]")
    assert good == {"a": [1, "é", None]}
    check_canonical(good)
    with pytest.raises(BadJsonError):
        check_canonical(bad)


@pytest.mark.parametrize("number", HUGE_NUMBERS)
@pytest.mark.parametrize(
    "frame",
    [
        b"[%b",
        b"[%b, NaN]",
        b"[%b, -Infinity]",
        b"[%b] x",
        b"\xef\xbb\xbf[%b]",
        b'[%b, "\xff"]',
        rb'[%b, "\ud800"]',
        b'[%b, "a\nb"]',
        b"[%b, " + b"[" * 100_000 + b"]" * 100_000 + b"]",
    ],
)
def test_A1_a_huge_number_excuses_no_other_fault(frame: bytes, number: bytes) -> None:
    with pytest.raises(NotJsonError):
        decode_json(frame % number)


def test_the_largest_and_smallest_integers_are_canonical() -> None:
    value = decode_json(b"[9007199254740991, -9007199254740991]")
    check_canonical(value)
    assert encode_canonical(value) == b"[9007199254740991,-9007199254740991]"


def nested(levels: int) -> object:
    value: object = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


def test_depth_is_allowed_up_to_the_cap_and_not_beyond() -> None:
    check_canonical(nested(100))
    check_canonical(nested(3), max_depth=3)
    with pytest.raises(BadJsonError):
        check_canonical(nested(101))
    with pytest.raises(BadJsonError):
        check_canonical(nested(4), max_depth=3)


@pytest.mark.parametrize(
    "value", ["\ud800", {"\udfff": 1}, {"a": ["\ud800"]}, {1: 2}, {"a": b"x"}, {"a": {1}}, object()]
)
def test_values_without_a_json_form_are_refused(value: object) -> None:
    with pytest.raises(BadJsonError):
        check_canonical(value)


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"x"'])
def test_A4_a_body_that_is_no_object_is_bad_json(body: bytes) -> None:
    with pytest.raises(BadJsonError):
        decode_object(body)
