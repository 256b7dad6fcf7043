"""The trades of files as one tape: what `backtest`, `bars`, `tickers` and benchmarks read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from riskcontrol.progress import on_terminal
from riskcontrol.settings import Settings
from riskcontrol.trades import counts_of


class TradeTape:
    """The trades of files in order, with a progress bar where stderr is a terminal.

    Args:
        locations: Files, folders, s3:// URLs.
        settings: Where S3 is; the local server, where none is set and a location is on S3.
        max_reject_share: Share of bad lines over which a file is refused.
        rejects: File to keep bad lines in; None: rejects.tsv in the home folder.

    Attributes:
        sources: The files, in date order.
        rejects: Where their bad lines are.
    """

    def __init__(
        self, locations: Sequence[str], settings: Settings, max_reject_share: float, rejects: Path | None = None
    ) -> None:
        from ingestion.files import is_url  # noqa: PLC0415  the core loads without what is above it
        from ingestion.sources import find_all  # noqa: PLC0415

        if any(is_url(location) for location in locations):
            from riskcontrol import servers  # noqa: PLC0415

            settings = servers.resolve(settings)
        self.rejects = rejects or settings.home / "rejects.tsv"
        self.sources = find_all(locations, settings, rejects=self.rejects, max_reject_share=max_reject_share)
        self._counts: Counter[str] = Counter()

    @property
    def locations(self) -> tuple[str, ...]:
        """Where each file is."""
        return tuple(source.location for source in self.sources)

    @property
    def tickers(self) -> dict[str, int]:
        """How many trades there are of each ticker as far as the files have been read, the most traded first."""
        return dict(sorted(self._counts.items(), key=lambda item: (-item[1], item[0])))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the trades of all files.

        Raises:
            InputError: A file can't be used, or not wholly; after everything that could be read.
            ServerError: S3 refuses, or can't be reached.
        """
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with on_terminal(*columns, TimeRemainingColumn()) as progress:
            task = progress.add_task("", total=sum(source.size for source in self.sources))
            before = 0
            for source in self.sources:
                progress.update(task, description=source.name)
                for batch in source.batches():
                    self._counts.update(counts_of(batch))
                    yield batch
                    progress.update(task, completed=before + source.report.bytes_read)
                before += source.size

    def notes(self) -> tuple[str, ...]:
        """Return what was left out of the files that have been read, and where the rejected lines are."""
        bad = [source for source in self.sources if source.report.rejected or source.report.dropped]
        notes = [f"{source.name}: {source.report}" for source in bad]
        if any(source.report.rejected for source in self.sources):
            notes.append(f"The rejected lines are in {self.rejects}.")
        return tuple(notes)
