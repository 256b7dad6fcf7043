"""What the driver tells Spark of a cluster's workers."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from riskcontrol.errors import ServerError
from spark import standalone

LOG = Path("log4j2.properties")
OURS = "spark://127.0.0.1:20000"


def test_without_a_cluster_there_is_little_to_tell(tmp_path: Path) -> None:
    assert standalone.choose(tmp_path) == "local[2]"
    assert standalone.options("local[2]", tmp_path, LOG) == {"spark.driver.host": "127.0.0.1"}


def test_workers_elsewhere_don_t_look_for_the_driver_on_their_own_machine(tmp_path: Path) -> None:
    assert "spark.driver.host" in standalone.options(OURS, tmp_path, LOG)
    assert "spark.driver.host" not in standalone.options("spark://elsewhere:7077", tmp_path, LOG)


@pytest.mark.parametrize("gone", [["spark-master"], ["kafka-1", "spark-1", "spark-2", "spark-3"]])
def test_a_cluster_that_can_t_run_a_stream_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: list[str]
) -> None:
    monkeypatch.setattr("spark.standalone.ended", lambda _home: gone)
    with pytest.raises(ServerError, match=rf"have ended \(.*{gone[-1]}\).*up --cluster"):
        standalone.choose(tmp_path)


def test_a_cluster_that_lacks_a_worker_runs_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spark.standalone.ended", lambda _home: ["kafka-1", "spark-2"])
    monkeypatch.setattr("spark.standalone.running", lambda _home: {"spark": OURS})
    assert standalone.choose(tmp_path) == OURS


def test_only_the_size_of_our_own_cluster_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spark.standalone.running", lambda _home: {"spark": OURS})
    ours, foreign = (standalone.options(master, tmp_path, LOG) for master in (OURS, "spark://elsewhere:7077"))
    assert ours["spark.cores.max"] == "3"
    assert "spark.cores.max" not in foreign
    packages = foreign["spark.executorEnv.PYTHONPATH"].split(os.pathsep)[0]
    assert Path(packages, "riskcontrol", "engine.py").is_file()


def test_the_secret_is_on_no_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "a home"
    monkeypatch.setattr("spark.standalone.running", lambda _home: {"spark": OURS})
    monkeypatch.delenv("PYSPARK_SUBMIT_ARGS", raising=False)
    with standalone.authenticated(OURS, home):
        flag, path, shell = shlex.split(os.environ["PYSPARK_SUBMIT_ARGS"])
    assert (flag, shell) == ("--properties-file", "pyspark-shell")
    secret = Path(path).read_text().partition("secret ")[2].split()[0]
    assert secret not in str(standalone.options(OURS, home, LOG))
    assert "PYSPARK_SUBMIT_ARGS" not in os.environ
    with standalone.authenticated("spark://elsewhere:7077", home):
        assert "PYSPARK_SUBMIT_ARGS" not in os.environ
