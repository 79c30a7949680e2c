"""Tokens as words of ASCII letters and digits, so that every store's index takes them alike.

Databases differ in what they call a word, in the shortest and longest that they index, and
in the words that they leave out. A word that begins with digits (`infrastructure.sql` puts the
number of the room in front) is no stop word, and is never shorter than three letters.

A letter of the escaped kinds becomes `q` and two digits of base 36, `x` and three, or `z`
and four: no code is the beginning of another, so beginnings of texts stay beginnings.
"""

from __future__ import annotations

from base64 import b32encode
from functools import lru_cache
from hashlib import blake2b
from typing import Final

WORD: Final = "w"
GRAM: Final = "c"
EMOJI: Final = "e"
MAX_CODE: Final = 64
"""Letters of a token behind its kind; with the room's number it stays under InnoDB's 84."""
USUAL: Final = 24
"""Letters of words that are worth remembering: they come again and again."""
_TAIL: Final = 13
_PLAIN: Final = frozenset("0123456789abcdefghijklmnoprstuvwy")
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LATIN: Final = 0x250
"""Characters that most languages write with; the codes of these are made once."""
_SHORT: Final = 0x80
_MIDDLE: Final = _SHORT + 36**2
_LONG: Final = _MIDDLE + 36**3


def encoded(kind: str, text: str) -> str:
    """A whole token. A longer one ends in a hash, so that different ones stay different."""
    return _usual(kind, text) if len(text) <= USUAL else _encoded(kind, text)


def _encoded(kind: str, text: str) -> str:
    code = _code(text)
    if max(len(code), len(text)) > MAX_CODE:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        code = code[: MAX_CODE - _TAIL] + b32encode(digest)[:_TAIL].decode().lower()
    return kind + code


_usual = lru_cache(maxsize=16_384)(_encoded)


def encoded_beginning(kind: str, text: str) -> str:
    """What the tokens of all texts that begin like this begin with."""
    return kind + _code(text)[: MAX_CODE - _TAIL]


def _code(text: str) -> str:
    return text[:MAX_CODE].translate(_CODES)


@lru_cache(maxsize=16_384)
def _escaped(character: str) -> str:
    code = ord(character)
    if _SHORT <= code < _MIDDLE:
        return "q" + _base36(code - _SHORT, 2)
    if _MIDDLE <= code < _LONG:
        return "x" + _base36(code - _MIDDLE, 3)
    return "z" + _base36(code, 4)


class _Codes(dict[int, str]):
    """The codes of characters, as `str.translate` asks for them."""

    def __missing__(self, code: int) -> str:
        """Write a character that comes less often."""
        return _escaped(chr(code))


def _base36(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


_CODES: Final = _Codes(
    {code: chr(code) if chr(code) in _PLAIN else _escaped(chr(code)) for code in range(_LATIN)}
)
