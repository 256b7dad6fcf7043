"""`riskcontrol alerts`, over alerts in memory; the tables are tested with the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from frontend.follower import Follower
from riskcontrol.alerts import box as boxes
from riskcontrol.alerts.events import FILL, Event
from riskcontrol.alerts.hours import read_quiet
from riskcontrol.alerts.rules import Contact, Rule
from riskcontrol.alerts.webhook import Webhooks
from riskcontrol.cli import alerts as command
from riskcontrol.cli import cli
from riskcontrol.errors import AlertError, ServerError, SettingsError
from riskcontrol.servers.holders import holders
from riskcontrol.settings import Settings
from tests.alerts.fake import KEYS, NOW, FakeAlerts, mailing, receiving
from tests.frontend.fake import trader

RULE = Rule("ann", "IBM", "dip", fills=0, drawdown=125_000, webhook=True)


@pytest.fixture
def store() -> FakeAlerts:
    return FakeAlerts()


@pytest.fixture(autouse=True)
def _memory(store: FakeAlerts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_store", lambda settings: store)
    monkeypatch.setattr(command, "_reader", lambda settings: trader())
    monkeypatch.setattr(command, "_keys", lambda settings: KEYS)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, ["alerts", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_what_is_told_is_set_listed_and_removed(store: FakeAlerts) -> None:
    which = ["--user", "ann", "--ticker", "IBM", "--strategy", "dip"]
    assert "are set" in run("set", *which, "--fills", "--drawdown", "12.5", "--webhook").stdout
    rule = store.kept["ann", "IBM", "dip"]
    assert (rule.fills, rule.drawdown, rule.webhook, rule.verdict) == (3, 125_000, True, None)
    change = boxes.note(boxes.Box(), rule, Contact("ann", url="https://example.com/"),
                        ([Event(FILL, 4, 5, "bought 5 at $1.00")], boxes.Cursor(4)), KEYS, NOW)  # fmt: skip
    assert store.change("ann", 0, change)
    lines = run("list", "ann").stdout.splitlines()
    assert lines[0] == "No address is set."
    assert [line.split() for line in lines[1:3]] == [
        ["ticker", "strategy", "fills", "verdict", "drawdown", "webhook", "e-mail"],
        ["IBM", "dip", "yes", "-", "12.5%", "yes", "-"],
    ]
    assert (
        lines[3]
        == "1969-12-31 19:00:00 New York, told 2025-10-09 08:53:20 UTC  dip on IBM bought 5 at $1.00  (webhook pending)"
    )
    assert "Nothing more is told" in run("remove", *which).stdout
    assert store.kept == {}
    with pytest.raises(AlertError, match="nothing is told of dip on IBM"):
        run("remove", *which)


def test_a_contact_keeps_what_is_not_said_and_shows_a_new_secret_once(store: FakeAlerts) -> None:
    said = run("contact", "ann", "--url", "https://example.com/", "--quiet", "22:00-7:00", "--zone", "Europe/Berlin")
    contact = store.places["ann"]
    assert KEYS.webhook(contact) in said.stdout
    assert contact.quiet == read_quiet("22:00-07:00", "Europe/Berlin")
    said = run("contact", "ann", "--email", "ann@example.com", "--cap", "5", "--quiet", "")
    assert "whsec_" not in said.stdout
    after = store.places["ann"]
    assert (after.url, after.salt, after.email, after.confirmed, after.quiet, after.cap) == (
        contact.url, contact.salt, "ann@example.com", True, None, 5,
    )  # fmt: skip
    assert "Quiet hours: never" in run("list", "ann").stdout
    run("contact", "ann", "--url", "", "--email", "")
    assert not store.places["ann"].reaches("webhook")
    assert not store.places["ann"].reaches("email")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["contact", "ann", "--url", "http://example.com/"], "url: must begin with https"),
        (["contact", "ann", "--email", "x"], "email: must be an address"),
        (["contact", "ann", "--quiet", "22-7"], "quiet: must be like"),
        (["contact", "ann", "--zone", "Mars", "--quiet", "22:00-07:00"], "zone: must be the name"),
        (["contact", "ann", "--cap", "0"], "cap: must be a whole number"),
        (["set", "--user", "ann", "--ticker", "IBM", "--strategy", "no", "--fills"], "ann has no strategy no on IBM"),
        (["set", "--user", "ann", "--ticker", "IBM", "--strategy", "dip", "--drawdown", "0"], "drawdown: must be"),
        (["test", "ann"], "ann: has no address"),
    ],
)
def test_what_can_not_be_accepted_is_told(store: FakeAlerts, arguments: list[str], said: str) -> None:
    with pytest.raises(AlertError, match=said):
        run(*arguments)
    assert store.kept == {}
    assert store.places == {}


def test_a_rule_that_tells_nothing_is_no_rule() -> None:
    assert run("set", "--user", "ann", "--ticker", "IBM", "--strategy", "dip", "--webhook").exit_code == 2


def test_a_test_message_goes_to_each_place(store: FakeAlerts, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver, mailing() as server:
        contact = Contact("ann", email="ann@example.com", confirmed=True)
        object.__setattr__(contact, "url", receiver.url)
        store.places["ann"] = contact
        senders = command.senders_of

        def local(settings: Settings, keys: Any) -> Any:
            return {**senders(settings, keys), "webhook": Webhooks(keys, local=True)}

        monkeypatch.setattr(command, "senders_of", local)
        mail = ["--smtp", f"127.0.0.1:{server.port}", "--smtp-tls", "none", "--smtp-from", "alerts@example.com"]
        assert run("test", "ann", *mail).stdout.splitlines() == ["webhook: accepted", "email: accepted"]
        assert len(receiver.got) == len(server.got) == 1
        receiver.answer = b"HTTP/1.1 500 no\r\n\r\n"
        result = run("test", "ann")
        assert result.exit_code == 1
        assert "webhook: answered with status 500" in result.stderr
        assert "email: no mail server is set" in result.stderr


def test_a_sender_without_a_server_is_told() -> None:
    with pytest.raises(SettingsError, match="smtp_from: is set, but no mail server"):
        command.senders_of(Settings(smtp_from="alerts@example.com"), KEYS)


def test_one_holds_the_lease_and_the_other_waits(store: FakeAlerts, monkeypatch: pytest.MonkeyPatch) -> None:
    store.holder = "another"
    told: list[str] = []
    turns = iter(range(100))

    def sleep(seconds: float) -> None:
        turn = next(turns)
        if turn == 1:
            assert store.boxes == {}
            store.holder = ""
        elif turn == 3:
            store.away = True
        elif turn == 4:
            store.away = False
        elif turn == 6:
            raise KeyboardInterrupt

    store.set_rule(RULE)
    monkeypatch.setattr(command.time, "sleep", sleep)
    monkeypatch.setattr(command, "LEASE_SECONDS", 0)
    follower = Follower(trader(), store, {}, KEYS, told=told.append)
    with pytest.raises(KeyboardInterrupt):
        command.follow(follower, store, told.append)
    assert told[:3] == ["Another one runs; waiting for it to end."] * 2 + ["Following (Ctrl-C stops)."]
    assert told[3:] == ["cassandra: no answer"]
    assert len(store.newest("ann", 9)) == 3
    assert store.holder == ""


def test_it_is_found_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    monkeypatch.setattr(command, "follow", lambda *_: found.extend(one.claims for one in holders(tmp_path)))
    monkeypatch.setattr("riskcontrol.priority.give_way", lambda *_: None)
    assert run("run", "--home", str(tmp_path), "--keyspace", "mine").exit_code == 0
    assert found == ["keyspace mine"]
    assert holders(tmp_path) == []


def test_without_a_database_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    for name in (["list", "ann"], ["run"]):
        with pytest.raises(ServerError, match="riskcontrol up"):
            run(*name, "--home", str(tmp_path))
