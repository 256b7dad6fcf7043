"""The templates through the real line, file to database: the fills that come out are the backtest's."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from database.reads import Reader
from database.session import connect
from ingestion.ingest import ingest
from ingestion.producer import publish_openings
from ingestion.sources import find_all
from riskcontrol.backtest import HASHED, fills_hash
from riskcontrol.book import Reason
from riskcontrol.rows import Fills
from riskcontrol.settings import Settings
from riskcontrol.strategy import Strategy
from tests.processes import Running, until
from tests.spark.test_stream import ends, reached
from tests.templates import catalogue

pytestmark = pytest.mark.servers


def written(reader: Reader, one: Strategy) -> Fills:
    """Return a strategy's fills from the database, oldest first."""
    frame = reader.fills(one.username, one.ticker, one.name)
    names = {name: np.full(len(frame), getattr(one, name).encode()) for name in ("username", "name", "ticker")}
    reasons = np.array([Reason[name.upper()] for name in frame["reason"]], np.int8)
    return Fills(**names, **{name: frame[name].to_numpy() for name in HASHED}, reason=reasons)


def test_every_template_fills_in_the_stream_as_in_the_backtest(servers: Settings, tmp_path: Path) -> None:
    files = catalogue.week(tmp_path)
    strategies = catalogue.strategies()
    with Running(servers, "stream", "--batch", "0.5", "--state", str(tmp_path / "state")) as stream:
        publish_openings(servers, strategies)
        # Day by day, so that batches end while shares are held; at this speed the week would be one batch.
        for source in find_all([str(file) for file in files], servers):
            ingest([source], servers, speed=None)
            until(lambda: reached(servers, ends(servers)), 60, lambda: stream.output)
        assert stream.interrupt() == 0, stream.output
    assert len(re.findall("trades [1-9]", stream.output)) >= len(files)
    reader = Reader(connect(servers))
    hashes = {one.name: fills_hash(written(reader, one)) for one in strategies}
    backtest = catalogue.found(files)["templates"]
    assert hashes == {name: results["fills_hash"] for name, results in backtest.items()}
    assert hashes == {name: results["fills_hash"] for name, results in catalogue.expected()["templates"].items()}
