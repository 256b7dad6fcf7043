"""The crash test in small: parts of the real line killed in mid-run, the same rows in the end."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench import crash_dump, crash_tape
from bench.crash_kills import KINDS
from riskcontrol.strategy import Strategy
from tests.processes import RISKCONTROL

SMALL = ("--trades", "4000", "--strategies", "60", "--day-seconds", "4", "--shards", "2")
SEED = "706"
"""One whose moments lie far apart: what was killed is back before the next one's turn."""
KILLED = ("worker", "kafka", "cassandra")
"""The stream, JVM and all, and the producer are killed in spark/test_stream.py and ingestion/test_kill.py."""


def crash(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RISKCONTROL, "bench", "crash", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.servers
@pytest.mark.usefixtures("short_lived")
@pytest.mark.xdist_group("long")
@pytest.mark.timeout(600)
def test_every_row_is_that_of_an_undisturbed_run_whatever_was_killed(tmp_path: Path) -> None:
    kinds = [part for kind in KILLED for part in ("--kill", kind)]
    done = crash("--rounds", "1", "--kills", "3", "--seed", SEED, *SMALL, *kinds, "--home", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert (found["rounds"], found["equal"], found["seed"]) == (1, 1, int(SEED))
    assert {one["hash"] for one in found["each"]} == {found["hash"]}
    kills = [kill for one in found["each"] for kill in one["kills"]]
    assert {kill["what"] for kill in kills} == set(KILLED)
    assert all(kill["offset"] > 0 for kill in kills)
    assert all(found["rows"].values()), "nothing is compared of an empty table"
    rows = (tmp_path / "crash" / "round-001" / "rows.txt").read_text()
    assert '"reason":"split"' in rows
    assert '"status":"stopped"' in rows
    assert f'["{crash_tape.LATECOMER}"' in rows
    assert not (tmp_path / "servers.json").exists() or json.loads((tmp_path / "servers.json").read_text()) == {}


def test_a_folder_that_has_been_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "crash").mkdir()
    done = crash("--home", str(tmp_path))
    assert done.returncode == 1
    assert "name another --home" in done.stderr


def test_a_kind_of_kill_that_there_is_not_is_refused_with_those_there_are() -> None:
    done = crash("--kill", "power")
    assert done.returncode == 2
    assert all(kind in done.stderr for kind in KINDS)


def test_rows_that_are_missing_too_many_or_other_than_expected_are_told() -> None:
    rows = {'fills ["ann",1]': "a", 'fills ["ann",2]': "b", 'bars ["IBM"]': "c"}
    assert crash_dump.differences(rows, dict(rows)) == []
    other = {'fills ["ann",1]': "x", 'fills ["ann",3]': "b", 'bars ["IBM"]': "c"}
    assert crash_dump.fingerprint(other) != crash_dump.fingerprint(rows)
    assert [line.partition(":")[0] for line in crash_dump.differences(rows, other)] == [
        "differs",
        "missing",
        "too much",
    ]
    assert len(crash_dump.differences(rows, {}, most=2)) == 2


def test_the_tape_is_the_same_for_a_seed_and_another_for_another(tmp_path: Path) -> None:
    def made(name: str, seed: int) -> tuple[list[bytes], tuple[Strategy, ...]]:
        folder = tmp_path / name
        folder.mkdir()
        tape = crash_tape.make(folder, seed=seed, tickers=4, trades=400, strategies=50)
        return [path.read_bytes() for path in (*tape.days, tape.splits, tape.later)], tape.strategies

    files, strategies = made("one", 1)
    assert (files, strategies) == made("again", 1)
    assert files[0] != made("other", 2)[0][0]
    assert len({one.shape for one in strategies}) > 10
    assert any(one.terms.stop_loss for one in strategies)
