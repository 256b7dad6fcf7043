"""`riskcontrol accounts`, over accounts in memory; the tables are tested with the database."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskcontrol.accounts.account import Role
from riskcontrol.accounts.service import Accounts
from riskcontrol.cli import accounts as command
from riskcontrol.cli import cli
from riskcontrol.errors import AccountError, ServerError
from tests.accounts.fake import PASSWORD, FakeStore, made

OTHER = "nine blue herons"


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(names={"user000001"})


@pytest.fixture(autouse=True)
def accounts(store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    _, kept = made(store)
    monkeypatch.setattr(command, "_accounts", lambda settings: kept)
    monkeypatch.setattr(command, "_terminal", lambda: True)
    return kept


def run(*arguments: str, typed: str = "") -> Result:
    result = CliRunner().invoke(cli, ["accounts", *arguments], input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def fits(accounts: Accounts, username: str, password: str) -> bool:
    try:
        return accounts.sign_in(username, password, address="192.0.2.1", now=1.0).username == username
    except AccountError:
        return False


def test_an_account_is_made_with_a_password_that_is_typed_twice_and_not_shown(accounts: Accounts) -> None:
    result = run("add", "Ann", "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert "ann can sign in, as an admin." in result.stdout
    assert PASSWORD not in result.output
    assert fits(accounts, "ann", PASSWORD)


def test_a_password_comes_from_standard_input_as_it_is(accounts: Accounts) -> None:
    run("add", "user000001", "--stdin", typed=f" {PASSWORD} \r\nsomething else\n")
    assert fits(accounts, "user000001", f" {PASSWORD} ")


def test_two_different_passwords_make_no_account(store: FakeStore) -> None:
    assert run("add", "ann", typed=f"{PASSWORD}\n{OTHER}\n").exit_code == 1
    assert store.kept == {}


@pytest.mark.parametrize("arguments", [["add", "ann", PASSWORD], ["password", "ann", PASSWORD]])
def test_a_password_on_the_command_line_is_refused(arguments: list[str], store: FakeStore) -> None:
    assert run(*arguments).exit_code == 2
    assert store.kept == {}


def test_a_bad_name_a_bad_password_and_an_account_that_there_is_are_refused() -> None:
    with pytest.raises(AccountError, match="must be 1 to 32"):
        run("add", "no spaces", "--stdin", typed=PASSWORD)
    with pytest.raises(AccountError, match="12 to 200"):
        run("add", "ann", "--stdin", typed="short")
    run("add", "ann", "--stdin", typed=PASSWORD)
    with pytest.raises(AccountError, match="has an account"):
        run("add", "ann", "--stdin", typed=OTHER)


def test_password_role_and_removal_are_for_accounts_that_there_are(accounts: Accounts, store: FakeStore) -> None:
    for arguments in (["password", "ann", "--stdin"], ["role", "ann", "admin"], ["remove", "ann", "--yes"]):
        with pytest.raises(AccountError, match="ann: has no account; make one with: riskcontrol accounts add"):
            run(*arguments, typed=PASSWORD)
    run("add", "ann", "--stdin", typed=PASSWORD)
    generation = store.kept["ann"].generation
    run("password", "ann", "--stdin", typed=OTHER)
    assert store.kept["ann"].generation == generation + 1
    assert fits(accounts, "ann", OTHER)
    assert "ann is an admin." in run("role", "ann", "admin").stdout
    assert store.kept["ann"].role is Role.ADMIN
    assert run("remove", "ann", typed="n\n").exit_code == 1
    assert "can't sign in any more" in run("remove", "ann", typed="y\n").stdout
    assert store.kept == {}


def test_accounts_are_listed_by_name_without_their_passwords(store: FakeStore) -> None:
    assert "no account yet" in run("list").stdout
    for name in ("bob", "ann"):
        run("add", name, "--stdin", typed=PASSWORD)
    lines = run("list").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["user", "role"], ["ann", "user"], ["bob", "user"]]
    assert "argon2" not in "".join(lines)


def test_without_a_database_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    with pytest.raises(ServerError, match="riskcontrol up"):
        run("list", "--home", str(tmp_path))


def test_without_a_terminal_the_way_to_give_a_password_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_terminal", lambda: False)
    result = run("add", "ann", typed="paper money only\n")
    assert result.exit_code == 2
    assert "--stdin reads the password from it" in result.stderr
