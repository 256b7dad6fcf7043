"""What is known of sessions and links for a moment, so that not every request asks the database."""

from __future__ import annotations

import pytest

from frontend import gate
from frontend.gate import FRESH_SECONDS, STALE_SECONDS, Recently
from riskcontrol.errors import ServerError


class Database:
    """Answers with how often it was asked; set `away` to have none."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.now = 100.0

    def __call__(self, key: str) -> str:
        """Answer."""
        if self.away:
            raise ServerError("no answer", server="cassandra")
        self.asked += 1
        return f"{key} {self.asked}"


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def recently(database: Database) -> Recently[str, str]:
    return Recently(database, clock=lambda: database.now)


def test_an_answer_is_at_hand_for_a_moment(recently: Recently[str, str], database: Database) -> None:
    assert recently.at_hand("a") is None
    assert recently.answer("a") == "a 1"
    assert recently.at_hand("a") == ("a 1",)
    assert recently.at_hand("b") is None
    database.now += FRESH_SECONDS
    assert recently.at_hand("a") is None
    assert recently.answer("a") == "a 2"
    recently.forget()
    assert recently.at_hand("a") is None


def test_an_older_answer_counts_while_the_database_is_away(recently: Recently[str, str], database: Database) -> None:
    recently.answer("a")
    database.away = True
    database.now += STALE_SECONDS - 1
    assert recently.answer("a") == "a 1"
    with pytest.raises(ServerError):
        recently.answer("b")
    database.now += 1
    with pytest.raises(ServerError):
        recently.answer("a")


def test_the_oldest_answers_go(
    recently: Recently[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "MOST_KEPT", 2)
    for key in "abc":
        recently.answer(key)
    assert [recently.at_hand(key) for key in "abc"] == [None, ("b 2",), ("c 3",)]


def test_an_answer_that_was_asked_for_before_a_sign_out_is_not_kept(database: Database) -> None:
    def asked(key: str) -> str:
        answer = database(key)
        if database.asked == 1:
            recently.forget()  # somebody signs out while the answer is on its way
        return answer

    recently: Recently[str, str] = Recently(asked, clock=lambda: database.now)
    assert recently.answer("a") == "a 1"
    assert recently.at_hand("a") is None
    assert recently.answer("a") == "a 2"
    assert recently.at_hand("a") == ("a 2",)
