"""Which characters make words, grams, emoji and marks, as regular expressions."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

GRAMS: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3100-\u312f"  # kana, bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese characters
    "\uac00-\ud7a3\u1100-\u11ff"  # Korean
    "\U00020000-\U000323af"  # rarer Chinese characters
)
"""Scripts whose writers put no blanks between words (Korean: where they join endings to them)."""
FLAGS: Final = "\U0001f1e6-\U0001f1ff"
_SELECTORS: Final = range(0xFE00, 0xFE10)
_LAST: Final = 0x1FB00
"""What lies behind has neither marks that matter here nor emoji."""


@cache
def pieces() -> re.Pattern[str]:
    """Match one piece of a folded text: groups `grams`, `word` or `emoji`."""
    letter = f"[^\\W_{GRAMS}]"
    word = f"{letter}+(?:{marks()}+{letter}*)*"
    emoji = f"[{FLAGS}]{{2}}|{_class('So')}"
    return re.compile(f"(?P<grams>[{GRAMS}]+)|(?P<word>{word})|(?P<emoji>{emoji})")


@cache
def marks() -> str:
    """The class of combining marks; the selectors of emoji and of variants are none."""
    return _class("Mn", "Mc")


@cache
def _class(*categories: str) -> str:
    """A character class, written as ranges."""
    wanted = frozenset(categories)
    ranges: list[list[int]] = []
    for code in range(0xA0, _LAST):
        if code in _SELECTORS or unicodedata.category(chr(code)) not in wanted:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges) + "]"
