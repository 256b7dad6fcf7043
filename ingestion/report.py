"""The account of a reading: how many lines, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """What one reading of a trade file found, up to now.

    Attributes:
        lines: Lines with a trade, or with what should be one.
        kept: Trades delivered.
        dropped: Trades left out because their correction says so.
        rejected: Number of lines that couldn't be read, by reason.
        bytes_read: Bytes of the file (compressed, where it is) taken so far.
        complete: The file was read to its proper end, and its trailer, where it must have one, agrees.
    """

    lines: int = 0
    kept: int = 0
    dropped: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    bytes_read: int = 0
    complete: bool = False

    @property
    def bad(self) -> int:
        """Number of lines that couldn't be read."""
        return sum(self.rejected.values())

    def reset(self) -> None:
        """Begin anew, for another reading."""
        self.lines = self.kept = self.dropped = self.bytes_read = 0
        self.rejected.clear()
        self.complete = False

    def __str__(self) -> str:
        """Return the account as a sentence.

        >>> str(Report(lines=3, kept=1, dropped=1, rejected={"unreadable time": 1}))
        '3 lines: 1 trades kept, 1 dropped by their correction, 1 rejected (1 × unreadable time)'
        """
        reasons = ", ".join(f"{count:,} × {reason}" for reason, count in sorted(self.rejected.items()))
        return (
            f"{self.lines:,} lines: {self.kept:,} trades kept, {self.dropped:,} dropped by their correction, "
            f"{self.bad:,} rejected{f' ({reasons})' if reasons else ''}"
        )
