"""`riskcontrol alerts`: what owners are told, and the process that tells them."""

from __future__ import annotations

import os
import secrets
import socket
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from riskcontrol.cli.options import DATABASE, MAIL, with_settings
from riskcontrol.errors import AlertError, DeliveryError, ServerError, SettingsError
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from database.reads import Reader
    from frontend.deliveries import Sender
    from frontend.follower import Follower
    from riskcontrol.alerts.rules import Contact
    from riskcontrol.alerts.signing import Keys
    from riskcontrol.alerts.store import AlertStore

LEASE = "alerts"
LEASE_SECONDS = 20
"""How long a process that has ended without saying so keeps others waiting."""
LOOK_SECONDS = 1.0
_NICE = 5
"""Pages and batches go first."""

_which = (
    click.option("--user", "username", required=True, metavar="NAME", help="Whose strategy."),
    click.option("--ticker", required=True, metavar="TICKER", help="On which ticker."),
    click.option("--strategy", "name", required=True, metavar="NAME", help="Which strategy."),
)


def which_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name a strategy."""
    for option in reversed(_which):
        function = option(function)
    return function


@click.group(name="alerts", epilog="Example: riskcontrol alerts list ann")
def command() -> None:
    """Tell owners when a strategy fills, falls too far, or changes its verdict: by webhook and e-mail.

    Owners set it on their strategies' pages. `riskcontrol alerts run` follows and sends; docs/alerts.md has the rest.
    """


@command.command(epilog="Example: riskcontrol alerts run --smtp mail.example.com --smtp-from alerts@example.com")
@with_settings(*DATABASE, *MAIL)
def run(settings: Settings) -> None:
    """Follow the strategies for which somebody wants alerts, and send them.

    Of several that run, one works and the others wait for it to end. When the database goes away it waits for that as
    well. Ctrl-C stops.
    """
    from frontend.follower import Follower
    from riskcontrol.claim import noted
    from riskcontrol.heap import usual
    from riskcontrol.priority import give_way
    from riskcontrol.servers.holders import alerts_lock

    keys = _keys(settings)
    senders = senders_of(settings, keys)
    store, told = _store(settings), _Teller()
    usual()
    give_way(os.getpid(), _NICE)
    with noted(alerts_lock(settings.home, settings.keyspace)):
        follow(Follower(_reader(settings), store, senders, keys, told=told), store, told)


def follow(follower: Follower, store: AlertStore, told: Callable[[str], None]) -> None:
    """Look once a second while this process holds the lease, until Ctrl-C.

    Args:
        follower: What looks.
        store: Where the lease is.
        told: Told what happens.
    """
    holder = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"
    ours, renewed = False, float("-inf")
    try:
        while True:
            begun = time.monotonic()
            try:
                if begun - renewed > LEASE_SECONDS / 4:
                    before, ours = ours, store.hold(LEASE, holder, LEASE_SECONDS)
                    renewed = begun
                    if not ours:
                        told("Another one runs; waiting for it to end.")
                    elif not before:
                        follower.forget()
                        told("Following (Ctrl-C stops).")
                if ours:
                    follower.look()
            except ServerError as error:
                told(str(error))
            time.sleep(max(0.0, begun + LOOK_SECONDS - time.monotonic()))
    finally:
        follower.close()
        if ours:
            with suppress(ServerError):  # then it ends by itself
                store.let_go(LEASE, holder)


@command.command(name="set", epilog="Example: riskcontrol alerts set --user ann --ticker IBM --strategy dip --fills")
@which_options
@click.option("--fills", is_flag=True, help="Tell each fill.")
@click.option("--verdict", is_flag=True, help="Tell when the verdict changes.")
@click.option("--drawdown", metavar="PERCENT", default="", help="Tell when it falls further from a peak than this.")
@click.option("--webhook", is_flag=True, help="Also by webhook.")
@click.option("--email", is_flag=True, help="Also by e-mail.")
@with_settings(*DATABASE)
def set_(
    settings: Settings,
    username: str,
    ticker: str,
    name: str,
    fills: bool,
    verdict: bool,
    drawdown: str,
    webhook: bool,
    email: bool,
) -> None:
    """Set what is told of a strategy, in the place of what was set before.

    It is always in the list on the pages; where else is set by `riskcontrol alerts contact`. Needs Cassandra.
    """
    from riskcontrol.alerts.rules import MOST_RULES, Rule, asked, read_drawdown

    limit = read_drawdown(drawdown) if drawdown else None
    if not (fills or verdict or limit):
        raise click.UsageError("Say what to tell: --fills, --verdict or --drawdown.")
    wanted = Rule(username, ticker, name, drawdown=limit, webhook=webhook, email=email)
    reader = _reader(settings)
    strategy = reader.strategy(*wanted.key)
    if strategy is None:
        raise AlertError(f"{username} has no strategy {name} on {ticker}", field="strategy")
    position = reader.positions([strategy])[0]
    store = _store(settings)
    rules = {rule.key: rule for rule in store.rules(username)}
    if wanted.key not in rules and len(rules) >= MOST_RULES:
        raise AlertError(f"{username} has alerts of {MOST_RULES} strategies, which is the most", field="strategy")
    count = position.fills if position else 0
    store.set_rule(asked(wanted, rules.get(wanted.key), fills=fills, verdict=verdict, count=count, now=time.time()))
    click.echo(f"Alerts of {name} on {ticker} are set.")


@command.command(epilog="Example: riskcontrol alerts contact ann --url https://example.com/hook --quiet 22:00-07:00")
@click.argument("username")
@click.option("--url", default=None, help="Where webhooks go; '' for nowhere.")
@click.option("--email", default=None, metavar="ADDRESS", help="Where e-mail goes; '' for nowhere.")
@click.option("--quiet", default=None, metavar="HH:MM-HH:MM", help="When nothing is sent; '' for never.")
@click.option("--zone", default=None, help="By whose clock [default: America/New_York].")
@click.option("--cap", default=None, metavar="COUNT", help="Most messages in an hour, to each place [default: 20].")
@with_settings(*DATABASE)
def contact(
    settings: Settings,
    username: str,
    url: str | None,
    email: str | None,
    quiet: str | None,
    zone: str | None,
    cap: str | None,
) -> None:
    """Set where a user is told, and when not; what isn't said stays as it is.

    An e-mail address that is set here counts as confirmed. Needs Cassandra.
    """
    from riskcontrol.alerts.hours import USUAL_ZONE, read_quiet
    from riskcontrol.alerts.rules import Contact, new_salt, read_cap

    store = _store(settings)
    before = store.contact(username) or Contact(username)
    after = before
    if url is not None and url != before.url:
        after = replace(after, url=url, salt=new_salt() if url else "")
    if email is not None:
        after = replace(after, email=email, confirmed=bool(email))
    if quiet is not None or zone is not None:
        known = before.quiet
        span = quiet if quiet is not None else known.span if known else ""
        after = replace(after, quiet=read_quiet(span, zone or (known.zone if known else USUAL_ZONE)))
    if cap is not None:
        after = replace(after, cap=read_cap(cap))
    store.set_contact(after)
    for line in _contact_lines(after):
        click.echo(line)
    if after.url and after.salt != before.salt:
        click.echo(f"The webhook's secret, for its receiver: {_keys(settings).webhook(after)}")


@command.command(name="list", epilog="Example: riskcontrol alerts list ann")
@click.argument("username")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many alerts to list.")
@with_settings(*DATABASE)
def list_(settings: Settings, username: str, limit: int) -> None:
    """List what a user is told of, where, and the newest alerts. Needs Cassandra."""
    import datetime as dt

    from frontend.formats import ZONE, moment
    from riskcontrol.alerts.box import CHANNELS
    from riskcontrol.alerts.rules import percent_text
    from riskcontrol.aligned import aligned

    store = _store(settings)
    known = store.contact(username)
    for line in _contact_lines(known) if known else ["No address is set."]:
        click.echo(line)
    rows = [("ticker", "strategy", "fills", "verdict", "drawdown", "webhook", "e-mail")]
    for rule in store.rules(username):
        asked = [rule.fills is not None, rule.verdict is not None]
        limit_ = f"{percent_text(rule.drawdown)}%" if rule.drawdown else "-"
        flags = ["yes" if one else "-" for one in (*asked, rule.webhook, rule.email)]
        rows.append((rule.ticker, rule.name, flags[0], flags[1], limit_, flags[2], flags[3]))
    for line in aligned(rows, left=tuple(range(7))) if len(rows) > 1 else ["Nothing is told."]:
        click.echo(line)
    for alert in reversed(store.newest(username, limit)):
        at = dt.datetime.fromtimestamp(alert.noticed, dt.UTC)
        # The pages have the time of the trade; on a tape that is replayed it is another day's.
        traded = f"{moment(alert.time)} {ZONE}"
        states = ", ".join(f"{channel} {state}" for channel in CHANNELS if (state := alert.state(channel)))
        click.echo(f"{traded}, told {at:%Y-%m-%d %H:%M:%S} UTC  {alert.said}{states and f'  ({states})'}")


@command.command(epilog="Example: riskcontrol alerts remove --user ann --ticker IBM --strategy dip")
@which_options
@with_settings(*DATABASE)
def remove(settings: Settings, username: str, ticker: str, name: str) -> None:
    """Tell nothing more of a strategy; the list keeps what was told. Needs Cassandra."""
    store = _store(settings)
    if store.rule(username, ticker, name) is None:
        raise AlertError(f"nothing is told of {name} on {ticker}", field="strategy")
    store.remove_rule(username, ticker, name)
    click.echo(f"Nothing more is told of {name} on {ticker}.")


@command.command(epilog="Example: riskcontrol alerts test ann")
@click.argument("username")
@with_settings(*DATABASE, *MAIL)
def test(settings: Settings, username: str) -> None:
    """Send one message to each of a user's places, now, and tell what came of it. Needs Cassandra."""
    from riskcontrol.alerts.box import CHANNELS
    from riskcontrol.alerts.message import trial

    known = _store(settings).contact(username)
    senders = senders_of(settings, _keys(settings))
    message = trial(username, secrets.token_hex(20))
    reached = [channel for channel in CHANNELS if known is not None and known.reaches(channel)]
    if known is None or not reached:
        raise AlertError("has no address, or none that is confirmed; set one with: riskcontrol alerts contact",
                         field=username)  # fmt: skip
    failed = False
    for channel in reached:
        try:
            if channel not in senders:
                raise DeliveryError("no mail server is set; set RISKCONTROL_SMTP and RISKCONTROL_SMTP_FROM")
            senders[channel].send(known, message)
            click.echo(f"{channel}: accepted")
        except DeliveryError as error:
            failed = True
            click.echo(f"{channel}: {error}", err=True)
    if failed:
        raise click.exceptions.Exit(1)


def senders_of(settings: Settings, keys: Keys) -> dict[str, Sender]:
    """Return what sends, by channel.

    Raises:
        SettingsError: The mail server's settings can't be used.
    """
    from riskcontrol.alerts.mail import Mails
    from riskcontrol.alerts.webhook import Webhooks

    senders: dict[str, Sender] = {"webhook": Webhooks(keys)}
    if settings.smtp:
        senders["email"] = Mails(settings)
    elif settings.smtp_from:
        raise SettingsError("is set, but no mail server: set smtp too", field="smtp_from")
    return senders


class _Teller:
    """Prints what happens, each thing once until another one does."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, words: str) -> None:
        if words != self._last:
            self._last = words
            click.echo(words, err=True)


def _store(settings: Settings) -> AlertStore:
    from database.alerts import AlertTables
    from database.session import connect
    from riskcontrol.servers import require

    return AlertTables(connect(require(settings, "cassandra")))


def _reader(settings: Settings) -> Reader:
    from database.reads import Reader
    from database.session import connect
    from riskcontrol.servers import require

    return Reader(connect(require(settings, "cassandra")))


def _keys(settings: Settings) -> Keys:
    from riskcontrol.alerts.signing import Keys
    from riskcontrol.secret import secret_of

    return Keys.of(secret_of(settings))


def _contact_lines(known: Contact) -> list[str]:
    confirmed = "" if known.confirmed or not known.email else " (not confirmed yet)"
    quiet = f"{known.quiet.span}, {known.quiet.zone}" if known.quiet else "never"
    return [
        f"Webhook:     {known.url or 'none'}",
        f"E-mail:      {known.email or 'none'}{confirmed}",
        f"Quiet hours: {quiet}",
        f"At most:     {known.cap} messages an hour, to each place",
    ]
