"""Sources: the trade files of a location, in date order, each giving its trades as often as it is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ingestion import files
from ingestion.reader import Limits, find_day, read
from ingestion.rejects import Rejects
from ingestion.report import Report
from ingestion.taq import day_of
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings

MAX_REJECT_SHARE = 0.01
"""Largest share of bad lines that is put up with, where nothing else is asked for."""


@dataclass(eq=False)
class Source:
    """One trade file.

    Attributes:
        name: Base name without directories and without .gz, .csv, .txt: the unique key of the file on the tape.
        location: Path or s3:// URL.
        day: Its day, as its name tells or else its content (of a WRDS file of several days, the first).
        size: Compressed bytes.
        report: The account of the last reading, brought up to date while it goes on.
    """

    name: str
    location: str
    day: dt.date | None
    size: int
    pieces: Callable[[], Iterator[bytes]] = field(repr=False)
    limits: Limits = field(repr=False)
    report: Report = field(default_factory=Report)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the file: batches with the schema `riskcontrol.trades.TRADES`, in the file's order.

        Every reading of the same file gives the same batches.

        Raises:
            InputError: The file can't be used, or not wholly; when it is cut short, or its trailer disagrees, after
                everything that could be read.
            ServerError: S3 refuses, or can't be reached.
        """
        return read(self.pieces(), source=self.location, today=self.day, report=self.report, limits=self.limits)


def find_sources(
    location: str, settings: Settings, *, rejects: Path | None = None, max_reject_share: float = MAX_REJECT_SHARE
) -> list[Source]:
    """Return the trade files of one location, in date order.

    Args:
        location: A file, a folder, ``s3://bucket/key`` or ``s3://bucket/prefix/``; a folder or prefix means the
            trade files (by their names) in it and below.
        settings: Where S3 is and how to get in.
        rejects: File to keep bad lines in; None: they are only counted.
        max_reject_share: Largest share of bad lines, 0 to 1, that is put up with.

    Raises:
        InputError: Nothing is there; two files have the same name; or a file's day can't be told.
        ServerError: S3 refuses, or can't be reached.
    """
    return find_all([location], settings, rejects=rejects, max_reject_share=max_reject_share)


def find_all(
    locations: Iterable[str],
    settings: Settings,
    *,
    rejects: Path | None = None,
    max_reject_share: float = MAX_REJECT_SHARE,
) -> list[Source]:
    """Return the trade files of several locations together, as `find_sources` does those of one."""
    limits = Limits(Rejects(rejects), max_reject_share)
    sources: dict[str, Source] = {}
    for location in locations:
        found = _on_s3(location, settings, limits) if files.is_url(location) else _local(location, limits)
        if not found:
            raise InputError("no trade files (.gz, .csv, .txt) are there", source=location)
        for source in found:
            twin = sources.setdefault(source.name, source)
            if twin is not source:
                raise InputError(
                    f"has the name of {twin.location}; a day's trades count once: give one of them",
                    source=source.location,
                )
    return sorted(sources.values(), key=lambda source: (source.day or dt.date.max, source.name))


def _on_s3(location: str, settings: Settings, limits: Limits) -> list[Source]:
    # Imported here, for it brings boto3, and most files are on this machine.
    from ingestion import s3  # noqa: PLC0415

    client = s3.client(settings)
    address = s3.Address.of(location)
    return [
        _source(str(found.address), found.size, lambda found=found: s3.stream(client, found), limits)  # type: ignore[misc]
        for found in s3.find(client, address)
        if found.address == address or files.is_trade_file(found.address.key.removeprefix(address.key))
    ]


def _local(location: str, limits: Limits) -> list[Source]:
    return [
        _source(str(path), path.stat().st_size, lambda path=path: files.stream(path), limits)  # type: ignore[misc]
        for path in files.find(location)
    ]


def _source(location: str, size: int, pieces: Callable[[], Iterator[bytes]], limits: Limits) -> Source:
    name = files.base_name(location)
    day = day_of(name) or find_day(pieces(), location)
    return Source(name, location, day, size, pieces, limits)
