"""Trade files for tests, and what is needed to read them."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from ingestion.reader import Limits, read
from ingestion.rejects import Rejects
from ingestion.report import Report

DAY = dt.date(2013, 10, 7)
MIDNIGHT = 1_381_118_400 * 10**9
"""New York midnight of that day, nanoseconds UTC."""
HEADER = (
    "Time|Exchange|Symbol|Sale Condition|Trade Volume|Trade Price|Trade Stop Stock Indicator|"
    "Trade Correction Indicator|Sequence Number|Trade Id|Source of Trade|Trade Reporting Facility|"
    "Participant Timestamp|Trade Reporting Facility TRF Timestamp|Trade Through Exempt Indicator"
)
WRDS_HEADER = "DATE,TIME_M,EX,SYM_ROOT,SYM_SUFFIX,TR_SCOND,SIZE,PRICE,TR_STOP_IND,TR_CORR,TR_SEQNUM,TR_SOURCE"
REAL_DAYS = Path(__file__).parents[3] / "shared" / "data" / "taq"
"""Two real days, where they are beside the project."""


def row(
    time: str = "100000000000000",
    symbol: str = "IBM",
    condition: str = "@",
    size: str = "100",
    price: str = "181.85",
    correction: str = "00",
    sequence: str = "1",
    source: str = "C",
    exchange: str = "N",
) -> str:
    """Return a line of Daily TAQ."""
    return f"{time}|{exchange}|{symbol}|{condition}|{size}|{price}||{correction}|{sequence}||{source}||||0"


def taq(rows: Iterable[str], day: dt.date = DAY, trailer: str | None = None, header: str = HEADER) -> bytes:
    """Return the text of a Daily TAQ file; its trailer is right where none is given."""
    lines = [header, *rows]
    lines.append(f"END|{day:%Y%m%d}|{len(lines) - 1}|||" if trailer is None else trailer)
    return ("\n".join(lines) + "\n").encode("latin-1")


def write(path: Path, text: bytes) -> Path:
    """Write a trade file, compressed where its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


class Read:
    """A reading of a text, to its end or its error.

    Attributes:
        report: The account.
        trades: The rows delivered.
        error: What it ended with, if with an error.
    """

    def __init__(
        self,
        pieces: bytes | Iterable[bytes],
        today: dt.date | None = DAY,
        rejects: Path | None = None,
        share: float = 1.0,
        source: str = "x_20131007.gz",
    ) -> None:
        self.report = Report()
        self.error: Exception | None = None
        self.batches: list[pa.RecordBatch] = []
        try:
            for batch in self._batches(
                [pieces] if isinstance(pieces, bytes) else pieces, today, rejects, share, source
            ):
                batch.validate(full=True)
                self.batches.append(batch)
        except Exception as error:
            self.error = error
        self.trades = [trade for batch in self.batches for trade in batch.to_pylist()]

    def _batches(
        self, pieces: Iterable[bytes], today: dt.date | None, rejects: Path | None, share: float, source: str
    ) -> Iterator[pa.RecordBatch]:
        limits = Limits(Rejects(rejects), share)
        return read(pieces, source=source, today=today, report=self.report, limits=limits)
