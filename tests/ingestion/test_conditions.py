"""What sale conditions let a trade update."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.conditions import IF_FIRST, UNKNOWN, Tape, classify
from riskcontrol.trades import HIGH_LOW, LAST, VOLUME

ALL = LAST | HIGH_LOW | VOLUME
LETTERS = "@ABCDEFGHIKLMNOPQRSTUVWXYZ145679"


@pytest.mark.parametrize("tape", Tape)
@pytest.mark.parametrize(
    ("letters", "updates"),
    [
        ("@ADEFKLOSXY156", ALL),
        ("GPRZ4", IF_FIRST | HIGH_LOW | VOLUME),
        ("9", LAST | HIGH_LOW),
        ("CHINTUVW7", VOLUME),
        ("MQ", 0),
        ("J23b?\xff8", UNKNOWN),
    ],
)
def test_single_letters_do_what_the_table_says(letters: str, updates: int, tape: Tape) -> None:
    for letter in letters:
        assert classify(letter, tape) == updates, letter


def test_b_is_an_average_price_on_one_tape_and_bunched_on_the_other() -> None:
    assert classify("B", Tape.CTA) == VOLUME
    assert classify("B", Tape.UTP) == ALL


@pytest.mark.parametrize(
    ("condition", "updates"),
    [
        ("", ALL),
        ("    ", ALL),
        ("@FT ", VOLUME),
        ("@  I", VOLUME),
        (" O  ", ALL),
        ("@6 X", ALL),
        ("@ Z ", IF_FIRST | HIGH_LOW | VOLUME),
        ("@4ZT", VOLUME),
        ("9M", 0),
        ("9G", IF_FIRST | HIGH_LOW),
        ("T?", UNKNOWN),
    ],
)
def test_several_letters_allow_what_each_of_them_allows(condition: str, updates: int) -> None:
    assert classify(condition, Tape.CTA) == updates


@given(st.lists(st.sampled_from(LETTERS), max_size=4, unique=True), st.sampled_from(Tape))
def test_neither_order_nor_padding_matters(letters: list[str], tape: Tape) -> None:
    results = {classify(" ".join(order), tape) for order in permutations(letters)}
    assert results == {classify("".join(letters), tape)}


@given(st.text(st.sampled_from(LETTERS), max_size=4), st.sampled_from(LETTERS), st.sampled_from(Tape))
def test_a_further_letter_never_allows_more(condition: str, letter: str, tape: Tape) -> None:
    def powers(updates: int) -> int:
        return updates | (IF_FIRST if updates & LAST else 0)

    before, after = powers(classify(condition, tape)), powers(classify(condition + letter, tape))
    assert after & ~before == 0 or after == UNKNOWN
