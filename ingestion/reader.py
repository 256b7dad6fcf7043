"""From the bytes of a trade file to batches of trades, with every line accounted for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ingestion import kernel, taq, verdicts, wrds
from ingestion.calendar import EPOCH
from ingestion.layout import Layout
from ingestion.lines import LineReader, Lines
from ingestion.rejects import Rejects, escaped
from ingestion.report import Report
from ingestion.text import blocks, unpack
from riskcontrol.errors import InputError, RiskControlError

JUDGED_AFTER = 1_000
"""Lines after which the share of bad ones is judged for the first time; in any case, it is judged at the end."""

_TAIL = 4096


@dataclass(frozen=True, slots=True)
class Limits:
    """What is put up with, and what is kept of it.

    Args:
        rejects: Where bad lines are kept.
        share: Largest share of bad lines, 0 to 1.
    """

    rejects: Rejects
    share: float


def read(
    pieces: Iterable[bytes], *, source: str, today: dt.date | None, report: Report, limits: Limits
) -> Iterator[pa.RecordBatch]:
    """Read a trade file.

    Args:
        pieces: Its bytes, in order, in pieces of any size.
        source: Its path or URL, for errors and the rejects file.
        today: Its day, if that is known from its name.
        report: The account, brought up to date as the reading goes on.
        limits: What to do with bad lines.

    Yields:
        Batches with the schema `riskcontrol.trades.TRADES`, in the file's order, cut alike at each reading.

    Raises:
        InputError: It isn't a trade file, is cut short or damaged, its trailer disagrees, or too many lines are bad.
            The trades before were yielded (but for those of the block that has too many bad lines).
    """
    report.reset()
    limits.rejects.begin(source)

    def count(size: int) -> None:
        report.bytes_read += size

    reader: LineReader | None = None
    trailer: tuple[int, bytes] | None = None
    number = 2
    waiting: list[pa.RecordBatch] = []
    failure: RiskControlError | None = None
    texts = blocks(unpack(pieces, source, count), source)
    while True:
        try:
            text = next(texts, None)
        except RiskControlError as error:
            failure, text = error, None
        if text is None:
            break
        if reader is None:
            header, _, text = text.partition(b"\n")
            reader = LineReader(find_layout(header, source), today, source)
        lines = reader.read(text)
        _account(lines, number, source, report, limits.rejects)
        for end in map(int, np.flatnonzero(lines.verdict == verdicts.TRAILER)):
            trailer = number + end, lines.line(end)
        number += len(lines.verdict)
        waiting.append(lines.trades)
        if report.lines >= JUDGED_AFTER:
            _judge(report, limits, source)
            yield from _deliver(waiting, report)
    if report.lines:
        _judge(report, limits, source)
    yield from _deliver(waiting, report)
    if failure is not None:
        raise failure
    if reader is not None and reader.layout.trailer:
        _check_trailer(trailer, today, report, source)
    report.complete = True


def find_layout(header: bytes, source: str) -> Layout:
    """Return the layout that a header line tells.

    Raises:
        InputError: It is the header of neither layout.
    """
    line = header.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    if line.isascii() and b"|" in line:
        return taq.layout(line.decode(), source)
    if line.isascii() and b"," in line:
        return wrds.layout(line.decode(), source)
    raise InputError(
        f"neither a Daily TAQ nor a WRDS trade file (plain or gzip): it begins with '{escaped(line[:60])}'",
        source=source,
        line=1,
    )


def check_head(pieces: Iterable[bytes], source: str) -> None:
    """Refuse a file whose first line is no trade file's.

    Args:
        pieces: The file's bytes, in order; no more of them are taken than the first line needs.
        source: Its path or URL, for errors.

    Raises:
        InputError: It isn't a trade file.
    """
    find_layout(next(blocks(unpack(pieces, source, lambda _: None), source)).partition(b"\n")[0], source)


def find_day(pieces: Iterable[bytes], source: str) -> dt.date | None:
    """Return the day of a file whose name doesn't tell it.

    A WRDS file tells it in its first good line (None: it has none in its first block); for a Daily TAQ file, all of
    it has to be gone through to its trailer.

    Args:
        pieces: The file's bytes, in order.
        source: Its path or URL, for errors.

    Raises:
        InputError: It isn't a trade file, is cut short or damaged, or its trailer isn't there.
    """
    texts = blocks(unpack(pieces, source, lambda _: None), source)
    header, _, text = next(texts).partition(b"\n")
    layout = find_layout(header, source)
    if layout.dated:
        lines = LineReader(layout, None, source).read(text)
        good = np.flatnonzero(lines.verdict == verdicts.GOOD)
        return EPOCH + dt.timedelta(days=int(lines.facts[good[0], kernel.DAY])) if len(good) else None
    tail = text[-_TAIL:]
    for text in texts:
        tail = (tail + text)[-_TAIL:]
    try:
        day, _ = taq.trailer(tail.rstrip().rpartition(b"\n")[2].decode("latin-1"), source)
    except InputError as error:
        raise InputError(
            "its name doesn't tell its day, nor does its last line, which is no trailer END|YYYYMMDD|count; if it is "
            "cut short, get it again; if not, name it ..._YYYYMMDD.gz",
            source=source,
        ) from error
    return day


def _account(lines: Lines, number: int, source: str, report: Report, rejects: Rejects) -> None:
    counts = np.bincount(lines.verdict, minlength=verdicts.AFTER_TRAILER + 1)
    report.lines += len(lines.verdict) - int(counts[verdicts.BLANK] + counts[verdicts.TRAILER])
    report.dropped += int(counts[verdicts.CANCELLED])
    bad = np.flatnonzero(lines.verdict >= verdicts.BAD_FIELDS)
    if not len(bad):
        return
    for verdict in map(int, np.flatnonzero(counts)):
        if verdict in verdicts.REASONS:
            reason = verdicts.REASONS[verdict]
            report.rejected[reason] = report.rejected.get(reason, 0) + int(counts[verdict])
    rejects.add(
        source, ((number + int(at), verdicts.REASONS[int(lines.verdict[at])], lines.line(int(at))) for at in bad)
    )


def _judge(report: Report, limits: Limits, source: str) -> None:
    if report.bad <= limits.share * report.lines:
        return
    raise InputError(
        f"{report.bad:,} of the first {report.lines:,} lines can't be read, more than {limits.share:.2%}: "
        + ", ".join(f"{count:,} × {reason}" for reason, count in sorted(report.rejected.items()))
        + (f"; they are in {limits.rejects.path}" if limits.rejects.path else ""),
        source=source,
    )


def _deliver(waiting: list[pa.RecordBatch], report: Report) -> Iterator[pa.RecordBatch]:
    for batch in waiting:
        report.kept += batch.num_rows
        if batch.num_rows:
            yield batch
    waiting.clear()


def _check_trailer(found: tuple[int, bytes] | None, today: dt.date | None, report: Report, source: str) -> None:
    if found is None:
        raise InputError(
            "the trailer END|YYYYMMDD|count is missing: the file is cut short; its whole lines were read", source=source
        )
    number, line = found
    day, count = taq.trailer(line.decode("latin-1"), source, number)
    if day != today:
        raise InputError(f"the trailer is of {day}, the file's name says {today}", source=source, line=number)
    lines = report.lines - report.rejected.get(verdicts.REASONS[verdicts.AFTER_TRAILER], 0)
    if count != lines:
        raise InputError(
            f"the trailer counts {count:,} trades, the file has {lines:,}; get the file again",
            source=source,
            line=number,
        )
