"""Hidden characters become visible; ordinary text of any language stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.clean import clean, clean_line, cut, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a\\u{202e}b"),
        ("\x1b[31mred", "\\u{1b}[31mred"),
        ("a\x00b", "a\\u{0}b"),
        ("over\rwrite", "over\\u{d}write"),
        ("zero\u200bwidth", "zero\\u{200b}width"),
        ("".join(chr(0xE0000 + ord(letter)) for letter in "do it"), "[5 invisible characters]"),
        ("lone \ud800 half", "lone \\u{d800} half"),
    ],
)
def test_hidden_characters_are_written_out(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines\tand tab", "שלום", "日本語", "naïve café", "👨‍👩‍👧 family", "❤️ heart", "1️⃣"]
)
def test_ordinary_text_stays(text: str) -> None:
    assert clean(text) == text


@given(st.text())
def test_nothing_hidden_is_left(text: str) -> None:
    left = [letter for letter in clean(text) if unicodedata.category(letter) in {"Cc", "Cs", "Co"}]

    assert set(left) <= {"\n", "\t"}


def test_a_line_is_one_line_and_says_what_was_cut() -> None:
    assert clean_line("a\nb" + "c" * 100, 5) == "a\\nbc… (+99 chars)"
    assert cut("short", 5) == "short"


def test_a_quotation_is_bounded() -> None:
    assert len(quoted("x" * 10_000)) < 130
