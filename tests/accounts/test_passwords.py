from __future__ import annotations

import unicodedata

import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.accounts.passwords import LONGEST, SHORTEST, Cost, Passwords, check_password
from riskcontrol.errors import AccountError
from riskcontrol.settings import Settings
from tests.accounts.fake import CHEAP, PASSWORD

PASSWORDS = Passwords(CHEAP)
TYPED = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TYPED, TYPED)
def test_a_password_fits_its_own_hash_and_no_other(one: str, other: str) -> None:
    same = unicodedata.normalize("NFKC", one) == unicodedata.normalize("NFKC", other)
    assert PASSWORDS.fits(PASSWORDS.hash(one), other) == same


@given(TYPED)
def test_nobody_s_password_fits(typed: str) -> None:
    assert not PASSWORDS.fits(None, typed)
    assert not PASSWORDS.fits(None, "nobody's")


def test_without_an_account_one_hash_of_the_same_cost_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Parameters] = []
    verify = PasswordHasher.verify

    def watched(self: PasswordHasher, known: str, typed: str) -> bool:
        made.append(extract_parameters(known))
        return verify(self, known, typed)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    for known in (PASSWORDS.hash(PASSWORD), None):
        assert not PASSWORDS.fits(known, "nine blue herons")
    of_account, of_nobody = made
    assert of_account == of_nobody


def test_the_same_password_has_another_hash_each_time_and_is_in_none() -> None:
    first, second = PASSWORDS.hash(PASSWORD), PASSWORDS.hash(PASSWORD)
    assert first != second
    assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert PASSWORD not in first


def test_a_password_typed_in_other_characters_is_the_same() -> None:
    assert PASSWORDS.fits(PASSWORDS.hash("caf\u00e9 am Rhein 7"), "cafe\u0301 am Rhein 7")
    long = "e\u0301" * LONGEST
    check_password("abcdefg" + long[: 2 * (LONGEST - 7)], "ann")
    assert PASSWORDS.fits(PASSWORDS.hash(long), "\u00e9" * LONGEST)


@pytest.mark.parametrize("damaged", ["", "x", "$argon2id$v=19$m=8,t=1,p=1$", "plain"])
def test_a_damaged_hash_fits_nothing(damaged: str) -> None:
    assert not PASSWORDS.fits(damaged, damaged)


def test_a_hash_of_another_cost_is_checked_and_known_as_outdated() -> None:
    dearer = Passwords(Cost(memory=16, rounds=2))
    known = PASSWORDS.hash(PASSWORD)
    assert dearer.fits(known, PASSWORD)
    assert dearer.outdated(known)
    assert not dearer.outdated(dearer.hash(PASSWORD))


def test_the_usual_cost_is_that_of_the_settings_and_what_is_recommended() -> None:
    assert (Settings().password_memory, Settings().password_rounds) == (Cost().memory, Cost().rounds) == (65_536, 3)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "12 to 200"),
        ("x" * (SHORTEST - 1), "12 to 200"),
        ("abc " * 51, "12 to 200"),
        ("aaaabbbbaaaabbbb", "different"),
        ("abcdefghijklmnop", "row"),
        ("Password1234", "common"),
        ("p@ssword!!2024", "common"),
        ("1234qwertyuiop", "common"),
        ("correct-horse-battery-staple", "common"),
        ("annabel1234567", "username"),
    ],
)
def test_bad_passwords_are_refused_with_the_reason(password: str, said: str) -> None:
    with pytest.raises(AccountError, match=said) as caught:
        check_password(password, "annabel")
    assert caught.value.field == "password"
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    "password", [PASSWORD, "ein Satz mit Ümlaut", "7f3a-99b1-c0de", "パスワードはとても長い文章です"]
)
def test_good_passwords_are_accepted(password: str) -> None:
    check_password(password, "ann")
