"""`riskcontrol accounts keys`, over accounts in memory."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result

from riskcontrol.accounts.keys import PATTERN, Scope
from riskcontrol.accounts.service import Accounts
from riskcontrol.cli import accounts as command
from riskcontrol.cli import cli
from riskcontrol.errors import AccountError
from tests.accounts.fake import PASSWORD, FakeStore, made


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Accounts:
    _, kept = made(FakeStore())
    kept.set_password("ann", PASSWORD, now=1.0)
    monkeypatch.setattr(command, "_accounts", lambda settings: kept)
    return kept


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, ["accounts", "keys", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_key_is_printed_alone_and_once(accounts: Accounts) -> None:
    result = run("create", "Ann", "--scope", "write")
    token = result.stdout.strip()
    assert PATTERN.fullmatch(token)
    holder = accounts.keys.whose(token, now=2.0)
    assert holder is not None
    assert (holder.account.username, holder.key.scope) == ("ann", Scope.WRITE)
    assert token not in run("list", "ann").stdout
    assert accounts.keys.of("ann")[0].number in result.stderr


def test_keys_are_listed_and_revoked_by_their_number(accounts: Accounts) -> None:
    assert "has no key" in run("list", "ann").stdout
    token = run("create", "ann").stdout.strip()
    number = token.split("_")[1]
    assert re.search(rf"^{number} +read +\S+ \S+ UTC +never$", run("list", "ann").stdout, re.MULTILINE)
    assert "worth nothing" in run("revoke", "ann", number).stdout
    assert accounts.keys.whose(token, now=2.0) is None
    assert "revoked" in run("list", "ann").stdout


def test_who_has_no_account_has_no_keys(accounts: Accounts) -> None:
    for arguments in (["create", "bob"], ["list", "bob"], ["revoke", "bob", "0" * 16]):
        with pytest.raises(AccountError, match="bob: has no account"):
            run(*arguments)
    with pytest.raises(AccountError, match="no such key"):
        run("revoke", "ann", "0" * 16)
