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
        ("\x1b]8;;https://x.example\x07text\x1b]8;;\x07", "\\u{1b}]8;;https://x.example\\u{7}text\\u{1b}]8;;\\u{7}"),
        ("\x9b31mred", "\\u{9b}31mred"),
        ("line\u2028next\u2029", "line\\u{2028}next\\u{2029}"),
        ("\u3164\u115f\uffa0", "\\u{3164}\\u{115f}\\u{ffa0}"),
        ("blank\u2800s\U0001d159", "blank\\u{2800}s\\u{1d159}"),
        ("".join(chr(0xE0100 + byte) for byte in b"run this"), "[8 invisible characters]"),
        ("a\ufe00\ufe01b", "a\\u{fe00}\\u{fe01}b"),
        ("\ufff3\U0001bca0\U00013430", "\\u{fff3}\\u{1bca0}\\u{13430}"),
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


INVISIBLE = [0x2800, 0x1D159, 0x16FE4, 0x3164, 0xFFA0, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x34F, 0xAD, 0x61C]
IGNORABLE = [*range(0x200B, 0x2010), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFFC), 0xFEFF]
PLANES = [*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000, 7)]


def test_every_character_that_screens_ignore_is_shown() -> None:
    left = [hex(code) for code in INVISIBLE + IGNORABLE + PLANES if chr(code) in clean(f"a{chr(code)}a")]

    assert left == []


@pytest.mark.parametrize("text", ["\u0440\u0430ypal", "\uff21dmin", "\u210cello", "\uff2f\uff10", "\u0430\u0301"])
def test_letters_that_only_look_alike_pass(text: str) -> None:
    assert clean(text) == text


def test_a_line_is_one_line_and_says_what_was_cut() -> None:
    assert clean_line("a\nb" + "c" * 100, 5) == "a\\nbc… (+99 chars)"
    assert cut("short", 5) == "short"


def test_a_quotation_is_bounded() -> None:
    assert len(quoted("x" * 10_000)) < 130
