"""Progress bars: on stderr, where that is a terminal, and gone when they are done."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress, ProgressColumn


def on_terminal(*columns: ProgressColumn) -> Progress:
    """Return a progress bar of these columns, which stays silent where stderr is no terminal."""
    terminal = Console(stderr=True)
    return Progress(*columns, console=terminal, disable=not terminal.is_terminal, transient=True)
