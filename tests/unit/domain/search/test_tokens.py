"""Texts as tokens."""

from __future__ import annotations

import time

import pytest

from homeserver.domain.search.encode import EMOJI, GRAM, MAX_CODE, WORD, encoded
from homeserver.domain.search.score import score
from homeserver.domain.search.tokens import MAX_TERMS, MAX_TOKENS, terms_of, tokens_of, words_of


def words(*texts: str) -> list[str]:
    """The tokens of words."""
    return [encoded(WORD, text) for text in texts]


def grams(*texts: str) -> list[str]:
    """The tokens of grams."""
    return [encoded(GRAM, text) for text in texts]


def emoji(*texts: str) -> list[str]:
    """The tokens of emoji."""
    return [encoded(EMOJI, text) for text in texts]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("Hello, World! 42", words("hello", "world", "42")),
        ("naïve CAFÉ Ünïcode", words("naive", "cafe", "unicode")),
        ("Straße ﬁne Ⓐ ™", words("strasse", "fine", "a", "tm")),
        ("Ελληνικά ΌΣΟΣ", words("ελληνικα", "οσοσ")),
        ("мой йод ёж", words("мой", "йод", "ёж")),
        ("İstanbul", words("istanbul")),
        ("snake_case it's 3.14", words("snake", "case", "it", "s", "3", "14")),
        ("हिन्दी", words("हिन्दी")),
        ("会议室", grams("会议", "议室", "室")),
        ("会", grams("会")),
        ("Python会议2026", [*words("python"), *grams("会议", "议"), *words("2026")]),
        ("がｶﾞ", grams("がガ", "ガ")),
        ("안녕", grams("안녕", "녕")),
        ("สวัสดี", grams("สว", "วั", "ัส", "สด", "ดี", "ี")),
        ("ok👍🏽❤️", [*words("ok"), *emoji("👍", "❤")]),
        ("👨‍👩‍👧", emoji("👨", "👩", "👧")),
        ("🇩🇪🇫🇷", emoji("🇩🇪", "🇫🇷")),
        ("\u0301\u200d\ufe0f \t。、", []),
    ],
)
def test_texts_come_apart(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


def test_tokens_are_words_that_every_index_takes() -> None:
    odd = "the a q x z qxz 会 😀 \U0010fffd \U0001fffd ж" + "ж" * 500 + " " + "w" * 60_000
    for token in tokens_of(odd):
        assert token.isascii()
        assert token.isalnum()
        assert token == token.lower()
        assert len("1" + token) >= 3
        assert len(token) <= MAX_CODE + 1


def test_long_words_are_told_apart_by_their_ends() -> None:
    one, other = tokens_of("x" * 300 + "a"), tokens_of("x" * 300 + "b")
    assert one != other
    assert score(terms_of("x" * 299), one) > 0
    assert score(terms_of("x" * 300 + "a "), one) > 0
    assert score(terms_of("x" * 300 + "a "), other) == 0


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("meet", "meeting", True),
        ("meet ", "meeting", False),
        ("meet now", "now meet", True),
        ("mee now", "now meet", False),
        ("m", "meeting", False),
        ("会议室", "大会议室", True),
        ("会议室", "会议 议室", False),
        ("会室", "会议室", False),
        ("室", "会议室", True),
        ("议", "会议室", True),
        ("会 室", "会议室", True),
        ("会议 note", "notes 会议", True),
        ("👍", "👍🏿", True),
        ("👍", "👎", False),
        ("🇪🇫", "🇩🇪🇫🇷", False),
    ],
)
def test_queries_find(query: str, text: str, found: bool) -> None:
    assert (score(terms_of(query), tokens_of(text)) > 0) is found


def test_better_answers_score_higher() -> None:
    def rank(query: str, text: str) -> float:
        return score(terms_of(query), tokens_of(text))

    assert rank("rose", "rose") > rank("rose", "roses")
    assert rank("rose", "rose and rose") > rank("rose", "rose and thorn")
    assert rank("rose", "a rose") > rank("rose", "a rose " + "and more " * 20)
    assert rank("会", "会会") > rank("会", "会议")


def test_queries_have_bounds() -> None:
    assert len(terms_of(" ".join(f"w{n}" for n in range(500)))) == MAX_TERMS
    assert len(terms_of("会" * 5000)[0].tokens) < MAX_TERMS
    assert words_of("Café, 会议! café") == ["Café", "会议", "café"]
    assert terms_of("!? \u0301") == []


@pytest.mark.parametrize(
    "unit", ["a\u0301\u0327", "\u0327\u0301", "会", "ﷺ", "😀", "word ", "w", "é ", "कि", "🇩", "_"]
)
def test_A1_the_time_is_linear_in_the_text(unit: str) -> None:
    def seconds(text: str) -> float:
        best = 9.0
        for _ in range(3):
            began = time.perf_counter()
            assert len(tokens_of(text)) <= MAX_TOKENS
            best = min(best, time.perf_counter() - began)
        return best

    tokens_of("warm ü")
    short, long = unit * (4_000 // len(unit)), unit * (64_000 // len(unit))
    assert seconds(long) < 64 * seconds(short) + 0.05  # sixteen times as long; 256 if quadratic
