from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from database.reads import Reader
from database.session import connect
from riskcontrol.cli import cli
from riskcontrol.errors import InputError, ServerError
from riskcontrol.settings import Settings


def run(settings: Settings | None, *arguments: str) -> Result:
    """Run `riskcontrol users generate`; errors raised on purpose come as they are."""
    given = ["users", "generate", *arguments]
    if settings is not None:
        given += [
            "--kafka", settings.kafka, "--topic", settings.topic, "--shards", str(settings.shards),
            "--cassandra", settings.cassandra, "--keyspace", settings.keyspace,
        ]  # fmt: skip
    result = CliRunner().invoke(cli, given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.servers
def test_users_are_put_on_the_tape_and_wait_for_the_stream(servers: Settings, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("ticker,frequency\nIBM,1\n")
    result = run(servers, "--count", "30", "--tickers", str(listed), "--prefix", "bot", "--start", "7")
    assert result.exit_code == 0
    assert "30 strategies (users bot000007 to bot000036; tickers: 1)" in result.stdout
    assert "No stream runs: they open when it does (riskcontrol stream)" in result.stdout
    reader = Reader(connect(servers))
    assert reader.user_exists("bot000036")
    assert not reader.user_exists("bot000037")


@pytest.mark.servers
def test_users_that_were_there_before_are_said_to_stay_as_they_are(servers: Settings) -> None:
    assert "stay as they are" not in run(servers, "--count", "3").stdout
    assert "stay as they are" in run(servers, "--count", "3").stdout
    assert "stay as they are" in run(servers, "--count", "3", "--start", "3").stdout
    assert "stay as they are" not in run(servers, "--count", "3", "--start", "6").stdout


@pytest.mark.servers
def test_a_stream_without_trades_and_a_prefix_that_is_none_are_refused(servers: Settings) -> None:
    with pytest.raises(InputError, match="no trade has come through yet"):
        run(servers, "--from-stream")
    result = run(servers, "--prefix", "A B")
    assert result.exit_code == 2
    assert "--prefix" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--count", "0"], "--count"),
        (["--count", "many"], "--count"),
        (["--seed", "-1"], "--seed"),
        (["--start", "0"], "--start"),
        (["--from-stream", "--tickers", "x.csv"], "exclude each other"),
    ],
)
def test_wrong_options_are_told(arguments: list[str], said: str) -> None:
    result = run(None, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_servers_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="riskcontrol up"):
        run(None, "--home", str(tmp_path))


def test_a_database_that_does_not_answer_is_told() -> None:
    with pytest.raises(ServerError, match=r"no answer at 127\.0\.0\.1:1 "):
        run(None, "--kafka", "127.0.0.1:1", "--cassandra", "127.0.0.1:1")
