"""The templates through the real line, file to database: the fills are the backtest's; and a program at the API."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from database.reads import Reader
from database.session import connect
from ingestion.ingest import ingest
from ingestion.producer import publish_openings
from ingestion.sources import find_all
from riskcontrol.backtest import HASHED, fills_hash
from riskcontrol.cli import cli
from riskcontrol.errors import InputError
from riskcontrol.rows import Fills
from riskcontrol.settings import Settings
from riskcontrol.states import Reason
from riskcontrol.strategy import Strategy
from riskcontrol.templates import read
from tests.processes import Running, until
from tests.spark import program
from tests.spark.test_stream import ends, reached
from tests.templates import catalogue

pytestmark = pytest.mark.servers


def written(reader: Reader, one: Strategy) -> Fills:
    """Return a strategy's fills from the database, oldest first."""
    frame = reader.fills(one.username, one.ticker, one.name)
    names = {name: np.full(len(frame), getattr(one, name).encode()) for name in ("username", "name", "ticker")}
    reasons = np.array([Reason[name.upper()] for name in frame["reason"]], np.int8)
    return Fills(**names, **{name: frame[name].to_numpy() for name in HASHED}, reason=reasons)


def command(settings: Settings, *arguments: str) -> Result:
    """Run `riskcontrol strategy` on these servers; errors raised on purpose come as they are."""
    names = ("kafka", "topic", "shards", "cassandra", "keyspace")
    flags = [f"--{name}={getattr(settings, name)}" for name in names]
    result = CliRunner().invoke(cli, ["strategy", *arguments, *flags])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_file_waits_on_the_tape_for_a_stream_and_what_is_wrong_is_named(servers: Settings, tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(read("dip-and-rise"))
    said = command(servers, "open", str(file), "--user", "ann", "--ticker", "IBM", "--ticker", "BAC").stdout
    assert "dip-and-rise of ann on IBM, dip-and-rise of ann on BAC: on the tape; open when a stream runs" in said
    assert sum(ends(servers).values()) > 0
    with pytest.raises(InputError) as caught:
        command(servers, "open", str(file), "--user", "A n")
    assert caught.value.source == "--user"
    refused = command(servers, "open", str(file), "--user", "ann", "--ticker", "?")
    assert refused.exit_code == 2
    assert "'?' is not a ticker" in refused.stderr
    with pytest.raises(InputError) as caught:
        command(servers, "stop", "no name", "--user", "ann", "--ticker", "IBM")
    assert caught.value.source == "NAME"


@pytest.mark.timeout(400)
def test_every_template_fills_as_in_the_backtest_and_a_program_opens_one_of_its_own_follows_it_and_stops_it(
    servers: Settings, tmp_path: Path
) -> None:
    files = catalogue.week(tmp_path)
    strategies = catalogue.strategies()
    with Running(servers, "stream", "--batch", "0.5", "--state", str(tmp_path / "state")) as stream:
        publish_openings(servers, strategies)
        until(lambda: reached(servers, ends(servers)), 60, lambda: stream.output)
        for one in strategies[:2]:
            file = tmp_path / f"{one.name}.toml"
            file.write_text(read(one.name))
            said = command(servers, "open", str(file), "--user", "by-hand").stdout
            assert said == f"{one.name} of by-hand on {one.ticker}: open.\n"
            assert "open already" in command(servers, "open", str(file), "--user", "by-hand").stdout
            file.write_text(read(one.name).replace("cash = ", "cash = 1", 1))
            with pytest.raises(InputError, match="open already, with other rules, cash or options"):
                command(servers, "open", str(file), "--user", "by-hand")
        # Day by day, so that batches end while shares are held; at this speed the week would be one batch.
        for source in find_all([str(file) for file in files[:-1]], servers):
            ingest([source], servers, speed=None)
            until(lambda: reached(servers, ends(servers)), 60, lambda: stream.output)
        program.follows(servers, stream, files[-1], one.ticker)
        said = command(servers, "stop", one.name, "--user", "by-hand", "--ticker", one.ticker).stdout
        assert said == f"{one.name} of by-hand on {one.ticker}: stopped.\n"
        with pytest.raises(InputError, match="there is no such strategy"):
            command(servers, "stop", "other", "--user", "by-hand", "--ticker", one.ticker)
        assert stream.interrupt() == 0, stream.output
    assert len(re.findall("trades [1-9]", stream.output)) >= len(files)
    reader = Reader(connect(servers))
    hashes = {one.name: fills_hash(written(reader, one)) for one in strategies}
    backtest = catalogue.found(files)["templates"]
    assert hashes == {name: results["fills_hash"] for name, results in backtest.items()}
    assert hashes == {name: results["fills_hash"] for name, results in catalogue.expected()["templates"].items()}
    for one in strategies[:2]:
        assert fills_hash(written(reader, replace(one, username="by-hand"))) == hashes[one.name]
    statuses = {row.name: row.stopped is not None for row in reader.strategies("by-hand")}
    assert statuses == {strategies[0].name: False, strategies[1].name: True}
