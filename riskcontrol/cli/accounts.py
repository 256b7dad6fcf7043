"""`riskcontrol accounts`: who can sign in, for an admin on this machine."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from riskcontrol.cli.options import DATABASE, with_settings
from riskcontrol.errors import AccountError
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    from riskcontrol.accounts.account import Account
    from riskcontrol.accounts.service import Accounts

ROLES = ("user", "admin")
SCOPES = ("read", "write")

stdin_option = click.option(
    "--stdin", "from_stdin", is_flag=True, help="Read the password from standard input, one line, instead of asking."
)


@click.group(name="accounts", epilog="Example: riskcontrol accounts add ann --role admin")
def command() -> None:
    """Make accounts, set passwords and roles, make keys. People register on the pages by themselves.

    A password is asked for, or read from standard input; on the command line, every user of the machine could see it.
    """


@command.command(epilog="Example: riskcontrol accounts add user000042")
@click.argument("username")
@click.option("--role", type=click.Choice(ROLES), default="user", show_default=True,
              help="An admin sees the strategies of all users.")  # fmt: skip
@stdin_option
@with_settings(*DATABASE)
def add(settings: Settings, username: str, role: str, from_stdin: bool) -> None:
    """Make an account, also for a generated user, who has none until then.

    Needs Cassandra: riskcontrol up, or --cassandra.
    """
    from riskcontrol.accounts.account import Role, normal_username

    accounts, username = _accounts(settings), normal_username(username)
    if accounts.store.account(username) is not None:
        raise AccountError("has an account; change it with: riskcontrol accounts password, or role", field=username)
    accounts.set_password(username, _password(from_stdin), now=time.time(), role=Role(role))
    click.echo(f"{username} can sign in, as {_named(role)}.")


@command.command(epilog="Example: riskcontrol accounts password ann")
@click.argument("username")
@stdin_option
@with_settings(*DATABASE)
def password(settings: Settings, username: str, from_stdin: bool) -> None:
    """Set the password of an account, which ends all its sessions.

    Needs Cassandra: riskcontrol up, or --cassandra.
    """
    accounts = _accounts(settings)
    account = _account(accounts, username)
    accounts.set_password(account.username, _password(from_stdin), now=time.time())
    click.echo(f"{account.username} has a new password; all sessions have ended.")


@command.command(epilog="Example: riskcontrol accounts role ann admin")
@click.argument("username")
@click.argument("role", type=click.Choice(ROLES))
@with_settings(*DATABASE)
def role(settings: Settings, username: str, role: str) -> None:
    """Set the role of an account: an admin sees the strategies of all users.

    Needs Cassandra: riskcontrol up, or --cassandra.
    """
    from riskcontrol.accounts.account import Role

    accounts = _accounts(settings)
    account = _account(accounts, username)
    accounts.store.set_role(account.username, Role(role))
    click.echo(f"{account.username} is {_named(role)}.")


@command.command(name="list", epilog="Example: riskcontrol accounts list")
@with_settings(*DATABASE)
def list_(settings: Settings) -> None:
    """List the accounts.

    Needs Cassandra: riskcontrol up, or --cassandra.
    """
    from riskcontrol.aligned import aligned

    found = _accounts(settings).store.accounts()
    if not found:
        click.echo("There is no account yet. Make one with: riskcontrol accounts add NAME")
        return
    rows = [(each.username, each.role.value, f"{each.created:%Y-%m-%d %H:%M} UTC") for each in found]
    for line in aligned([("user", "role", "since"), *rows], left=(0, 1, 2)):
        click.echo(line)


@command.command(epilog="Example: riskcontrol accounts remove ann --yes")
@click.argument("username")
@click.option("--yes", is_flag=True, help="Don't ask.")
@with_settings(*DATABASE)
def remove(settings: Settings, username: str, yes: bool) -> None:
    """Remove an account, its sessions, links, keys and alerts. Its strategies stay, and its name stays taken.

    Needs Cassandra: riskcontrol up, or --cassandra.
    """
    accounts = _accounts(settings)
    account = _account(accounts, username)
    if not yes:
        click.confirm(f"Remove the account {account.username}?", abort=True)
    accounts.store.remove(account.username)
    click.echo(f"{account.username} can't sign in any more.")


@command.group(epilog="Example: riskcontrol accounts keys create ann --scope write")
def keys() -> None:
    """Make, list and revoke the keys with which programs use the API in an account's name."""


@keys.command(short_help="Make a key.", epilog="Example: riskcontrol accounts keys create ann --scope write")
@click.argument("username")
@click.option("--scope", type=click.Choice(SCOPES), default="read", show_default=True,
              help="Whether it may also open and stop strategies.")  # fmt: skip
@with_settings(*DATABASE)
def create(settings: Settings, username: str, scope: str) -> None:
    """Make a key and print it, alone on standard output. It is shown only now: the tables have its hash.

    Needs Cassandra: riskcontrol up, or --cassandra.
    """
    from riskcontrol.accounts.keys import Scope

    accounts = _accounts(settings)
    account = _account(accounts, username)
    token, key = accounts.keys.create(account.username, Scope(scope), now=time.time())
    click.echo(f"Key {key.number} of {account.username}, which may {scope}:", err=True)
    click.echo(token)


@keys.command(
    name="list", short_help="List the keys of an account.", epilog="Example: riskcontrol accounts keys list ann"
)
@click.argument("username")
@with_settings(*DATABASE)
def list_keys(settings: Settings, username: str) -> None:
    """List the keys of an account, the newest first, with those revoked in the last month.

    Needs Cassandra: riskcontrol up, or --cassandra.
    """
    from riskcontrol.aligned import aligned

    accounts = _accounts(settings)
    account = _account(accounts, username)
    found = accounts.keys.of(account.username)
    if not found:
        click.echo(f"{account.username} has no key. Make one with: riskcontrol accounts keys create {account.username}")
        return
    rows = [
        (
            key.number,
            key.scope.value,
            f"{key.created:%Y-%m-%d %H:%M} UTC",
            f"{key.used}" if key.used else "never",
            f"revoked {key.revoked:%Y-%m-%d %H:%M} UTC" if key.revoked else "",
        )
        for key in found
    ]
    for line in aligned([("key", "may", "since", "last used", ""), *rows], left=(0, 1, 2, 3, 4)):
        click.echo(line)


@keys.command(short_help="Revoke a key.", epilog="Example: riskcontrol accounts keys revoke ann 0123456789abcdef")
@click.argument("username")
@click.argument("key")
@with_settings(*DATABASE)
def revoke(settings: Settings, username: str, key: str) -> None:
    """Revoke a KEY of an account, by the number that the list has; programs that use it are refused from then on.

    Needs Cassandra: riskcontrol up, or --cassandra.
    """
    accounts = _accounts(settings)
    account = _account(accounts, username)
    accounts.keys.revoke(account.username, key, now=time.time())
    click.echo(f"Key {key} of {account.username} is worth nothing any more.")


def _accounts(settings: Settings) -> Accounts:
    from database.accounts import AccountTables, accounts_over
    from database.session import connect
    from riskcontrol.servers import require

    return accounts_over(AccountTables(connect(require(settings, "cassandra"))), settings)


def _account(accounts: Accounts, username: str) -> Account:
    """Return an account.

    Raises:
        AccountError: There is none of this name.
    """
    from riskcontrol.accounts.account import normal_username

    account = accounts.store.account(normal_username(username))
    if account is None:
        raise AccountError("has no account; make one with: riskcontrol accounts add", field=username)
    return account


def _password(from_stdin: bool) -> str:
    """Return a password, asked for twice, or the line of standard input.

    Raises:
        UsageError: There is nobody to ask.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not _terminal():
        raise click.UsageError("Standard input is no terminal; --stdin reads the password from it.")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


def _named(role: str) -> str:
    return "an admin" if role == "admin" else "a user"


def _terminal() -> bool:
    return sys.stdin.isatty()
