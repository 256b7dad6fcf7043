from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.accounts.account import Account, Role
from riskcontrol.accounts.sessions import LIFETIME_SECONDS, Sessions, derived, keyed, pseudonym
from tests.accounts.fake import SECRET

NOW = 1_760_000_000.5
SESSIONS = Sessions(SECRET)
ACCOUNT = Account("ann", "hash", Role.USER, 3, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
TOKEN = SESSIONS.issue(ACCOUNT, NOW)


def test_a_token_says_who_signed_in_when_and_in_which_generation() -> None:
    session = SESSIONS.read(TOKEN, NOW + 10)
    assert session is not None
    assert (session.username, session.generation, session.issued) == ("ann", 3, int(NOW))
    again = SESSIONS.read(SESSIONS.issue(ACCOUNT, NOW), NOW)
    assert again is not None
    assert again.number != session.number


@given(st.floats(-2 * LIFETIME_SECONDS, 2 * LIFETIME_SECONDS))
def test_a_token_is_good_for_its_lifetime_alone(later: float) -> None:
    age = NOW + later - int(NOW)
    assert (SESSIONS.read(TOKEN, NOW + later) is not None) == (-60 <= age < LIFETIME_SECONDS)


@given(st.integers(0, len(TOKEN) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_no_changed_token_says_anything_else(at: int, letter: str) -> None:
    changed = TOKEN[:at] + letter + TOKEN[at + 1 :]
    # Of the last letter, two bits stand for nothing.
    assert SESSIONS.read(changed, NOW) in (None, SESSIONS.read(TOKEN, NOW))
    if at < len(TOKEN) - 1 and letter != TOKEN[at]:
        assert SESSIONS.read(changed, NOW) is None


@given(st.text(max_size=600))
def test_no_text_is_a_token(text: str) -> None:
    assert SESSIONS.read(text, NOW) is None
    assert SESSIONS.read(f"{TOKEN}{text}", NOW) is None or not text


@pytest.mark.parametrize(
    "payload", [[], {}, "ann", ["ann", 3, "x"], ["ann", "3", "x", 1], [None, 3, "x", 1], [["a"]] * 4]
)
def test_what_another_part_would_sign_is_no_session(payload: object) -> None:
    assert SESSIONS.read(SESSIONS._serializer.dumps(payload), NOW) is None


def test_a_token_of_another_installation_or_for_another_purpose_is_none() -> None:
    assert Sessions(b"another secret, of the same length ...").read(TOKEN, NOW) is None
    assert Sessions(derived(SECRET, "session")).read(TOKEN, NOW) is None


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_different_texts_have_different_keyed_hashes(one: list[str], other: list[str]) -> None:
    written = [[text.encode("utf-8", "replace") for text in texts] for texts in (one, other)]
    assert (keyed(b"k", *one) == keyed(b"k", *other)) == (written[0] == written[1])


def test_a_pseudonym_stays_the_same_and_differs_between_installations() -> None:
    assert pseudonym(b"k", "ann") == pseudonym(b"k", "ann") != pseudonym(b"k", "bob")
    assert pseudonym(b"k", "ann") != pseudonym(b"l", "ann")
