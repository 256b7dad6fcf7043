"""`riskcontrol ingest`, as a user runs it."""

from __future__ import annotations

import datetime as dt
import gzip
import signal
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ingestion.producer import TapeReader
from ingestion.simulate import file_name, simulate_day
from ingestion.topic import ensure_topic
from riskcontrol.cli import cli
from riskcontrol.errors import InputError, ServerError
from riskcontrol.servers.holders import Holder, holders
from riskcontrol.settings import Settings
from tests.ingestion.tapes import tables
from tests.processes import RISKCONTROL, environment

DAY = dt.date(2024, 3, 5)
TRADES = 20_000


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("days") / file_name(DAY)
    simulate_day(path, day=DAY, tickers=20, trades=TRADES, seed=1)
    return path


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner(env=environment(settings)).invoke(cli, ["ingest", *arguments])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--speed", "fast"], "neither a number above 0"),
        (["--speed", "0"], "neither a number above 0"),
        (["--speed", "nan"], "neither a number above 0"),
        (["--from", "9"], "HH:MM"),
        (["--from", "24:00"], "HH:MM"),
        (["--as", "a\nb"], "printable"),
        (["--as", ""], "printable"),
        (["--max-reject-share", "2"], "max-reject-share"),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments: list[str], named: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["ingest", str(tmp_path), *arguments])
    assert result.exit_code == 2
    assert named in result.stderr


def test_it_is_found_while_it_runs(day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Holder] = []

    def ingest(*_: object, **__: object) -> None:
        found.extend(holders(tmp_path))
        raise InputError("enough")

    monkeypatch.setattr("ingestion.ingest.ingest", ingest)
    run(Settings(kafka="127.0.0.1:9", home=tmp_path), str(day))
    assert [(one.name, one.claims) for one in found] == [("ingest", "topic tape")]
    assert holders(tmp_path) == []


def test_without_a_broker_the_error_says_what_to_do(day: Path, tmp_path: Path) -> None:
    result = run(Settings(kafka="127.0.0.1:9", home=tmp_path), str(day))
    assert isinstance(result.exception, ServerError)
    assert "riskcontrol up" in str(result.exception)


@pytest.mark.servers
def test_a_day_is_sent_once_and_again_under_another_name(kafka: Settings, day: Path) -> None:
    first = run(kafka, str(day))
    assert first.exit_code == 0
    assert "trades sent (20,000 lines" in first.stdout
    assert run(kafka, str(day)).stdout.startswith(
        "EQY_US_ALL_TRADE_20240305: already on the tape; nothing sent. To replay it again: --as NAME"
    )
    assert run(kafka, str(day.parent), "--as", "again", "--speed", "100000", "--from", "15:00").exit_code == 0
    assert tables(kafka, "again") == tables(kafka, "EQY_US_ALL_TRADE_20240305")


@pytest.mark.servers
def test_a_file_cut_short_sends_what_it_has_says_so_and_fails(kafka: Settings, day: Path, tmp_path: Path) -> None:
    cut = tmp_path / day.name
    cut.write_bytes(day.read_bytes()[:-20_000])
    result = run(kafka, str(cut))
    assert isinstance(result.exception, InputError)
    sent = sum(table.num_rows for table in tables(kafka))
    assert 0.5 * TRADES < sent < TRADES
    assert f"{sent:,} trades, up to 2024-03-05 1" in result.stderr
    assert result.stderr.rstrip().endswith("New York, were sent.")


@pytest.mark.servers
def test_ctrl_c_says_how_far_it_got_and_how_to_go_on(kafka: Settings, day: Path) -> None:
    process = subprocess.Popen(
        [*RISKCONTROL, "ingest", str(day), "--speed", "60"],
        env=environment(kafka),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ensure_topic(kafka)
    with TapeReader(kafka) as tape:
        while not sum(tape.bounds(partition)[1] for partition in range(kafka.shards)):
            assert process.poll() is None
            time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "trades sent in" in out
    assert "Stopped at 2024-03-05 0" in err
    assert "run the same command again" in err
    undisturbed = kafka.model_copy(update={"topic": f"{kafka.topic}-undisturbed"})
    assert run(kafka, str(day)).exit_code == run(undisturbed, str(day)).exit_code == 0
    assert tables(kafka) == tables(undisturbed)


@pytest.mark.servers
def test_bad_lines_are_kept_in_the_rejects_file(kafka: Settings, day: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / day.name
    lines = gzip.decompress(day.read_bytes()).splitlines(keepends=True)
    lines[100] = b"nonsense\n"
    spoilt.write_bytes(gzip.compress(b"".join(lines)))
    rejects = tmp_path / "rejects.csv"
    result = run(kafka, str(spoilt), "--rejects", str(rejects))
    assert "1 rejected" in result.stdout
    assert "nonsense" in rejects.read_text()
