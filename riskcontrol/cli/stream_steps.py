"""What a stream says while it starts, and what whoever waits for its first rows makes of that."""

from __future__ import annotations

STREAMING = "Streaming "
"""How the line begins that says that batches are made from now on."""


def step_of(said: str) -> str:
    r"""Return what a stream is at until its first rows are in the tables.

    Args:
        said: What it has printed so far.

    >>> step_of(""), step_of("Spark starts"), step_of("Spark starts\nStreaming 4 shards of tape")
    ('its program starts', 'Spark starts', 'its first batch runs')
    >>> step_of("Streaming 4 shards of tape\n2024-03-05 14:30:00Z trades 0 openings 10000")
    'the first rows are on their way to the tables'
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    begun = next((place for place, line in enumerate(lines) if line.startswith(STREAMING)), None)
    if begun is None:
        return lines[-1].rstrip(" .") if lines else "its program starts"
    return "its first batch runs" if begun + 1 == len(lines) else "the first rows are on their way to the tables"
