"""Laws of the search's tokens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from homeserver.domain.search.encode import GRAM, WORD, encoded, encoded_beginning
from homeserver.domain.search.fold import folded
from homeserver.domain.search.score import score
from homeserver.domain.search.tokens import terms_of, tokens_of
from homeserver.infrastructure.sql.search_index import fts5_expression, fulltext_expression

ALPHABET = "aqxzé ж会议かな😀👍🏽🇩🇪\u0301\u200d_'\"*+-()<>~@0"
TEXTS = st.one_of(st.text(ALPHABET, max_size=40), st.text(max_size=40))
WORDS = st.text(max_size=80)


@given(WORDS, WORDS)
def test_different_texts_have_different_tokens(one: str, other: str) -> None:
    assert (encoded(WORD, one) == encoded(WORD, other)) is (one == other)
    assert encoded(WORD, one) != encoded(GRAM, other)


@given(st.text(max_size=10), st.text(max_size=10))
def test_beginnings_stay_beginnings(one: str, other: str) -> None:
    begins = encoded(WORD, other).startswith(encoded_beginning(WORD, one))
    assert begins is other.startswith(one)


@given(TEXTS)
def test_a_text_is_found_by_itself_however_it_is_written(text: str) -> None:
    tokens = tokens_of(text)
    assert tokens_of(folded(text)) == tokens
    terms = terms_of(text)
    assert bool(terms) is bool(tokens)
    if terms:
        assert score(terms, tokens) > 0


@given(TEXTS)
def test_no_query_speaks_the_language_of_a_database(query: str) -> None:
    terms = terms_of(query)
    fts5 = fts5_expression(terms, [1, 2])
    assert set(fts5) <= set('abcdefghijklmnopqrstuvwxyz0123456789"*() ANDOR')
    fulltext = fulltext_expression(terms, [1, 2])
    assert set(fulltext) <= set("abcdefghijklmnopqrstuvwxyz0123456789*() +")
