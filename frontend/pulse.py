"""The pipeline's pulse: how fast the stream runs, how late it is, and whether it has stopped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import pandas as pd

from frontend.formats import ZONE, moment

PATIENCE_SECONDS = 5.0
"""How long trades may stay away before the page says that the stream has stopped, at the least."""
_BATCHES_OF_PATIENCE = 3
_FULL, _FEWEST, _LOOKED_AT = 0.95, 5, 10
"""Share of the time that batches take, with which they are behind; of how many batches at least, and at most."""


class State(Enum):
    """What the stream does."""

    NEVER = "never"
    """No batch has been written yet."""
    RUNNING = "running"
    IDLE = "idle"
    """The job runs but gets no trades."""
    STOPPED = "stopped"
    """The job doesn't run."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The last batch, as the pages' pipeline line tells it."""

    state: State
    rate: float = 0.0
    """Trades a second of the last batch."""
    processing: float = 0.0
    """Seconds that it took."""
    delay: float = 0.0
    """Seconds that it waited for its start."""
    event_time: int = 0
    """Newest trade seen, nanoseconds UTC; 0 before any."""
    behind: bool = False
    """Whether batches take longer than their interval: ticks are missed, and what pages show comes late."""

    def words(self) -> str:
        """Return the pipeline line.

        >>> Pulse(State.NEVER).words()
        'No batch yet: start the stream with riskcontrol stream'
        """
        if self.state is State.NEVER:
            return "No batch yet: start the stream with riskcontrol stream"
        at = f" · tape at {moment(self.event_time)} {ZONE}" if self.event_time else ""
        if self.state is State.STOPPED:
            return f"Stream stopped{at}"
        batch = f"batch {self.processing:.2f} s · delay {self.delay:.2f} s{at}"
        if self.state is State.IDLE:
            return f"Waiting for trades · {batch}"
        pace = "Behind: the machine is too busy" if self.behind else f"{self.rate:,.0f} trades/s"
        return f"{pace} · {batch}"

    def trouble(self) -> str | None:
        """Return what to tell about a stream that doesn't move; None while it does."""
        last = f", last trade at {moment(self.event_time)} {ZONE}" if self.event_time else ""
        if self.state is State.IDLE:
            return f"No trades come in{last}. The stream runs and waits for more: riskcontrol ingest sends them."
        if self.state is State.STOPPED:
            return (
                f"Stream stopped{last}. No batch has ended since: start the job with riskcontrol stream, or wait if it "
                "runs and the machine is too busy for it."
            )
        return None


def pulse(batches: pd.DataFrame, now: pd.Timestamp) -> Pulse:
    """Return the pulse that the newest batches show.

    Args:
        batches: Rows of `batches`: time, trades, processing, delay, event_time.
        now: Wall clock, UTC.
    """
    if batches.empty:
        return Pulse(State.NEVER)
    rows = batches.sort_values("time")
    times = pd.to_datetime(rows["time"], utc=True)
    interval = interval_of(times)
    patience = max(PATIENCE_SECONDS, _BATCHES_OF_PATIENCE * interval)
    last = rows.iloc[-1]
    busy = times[rows["trades"] > 0]
    if (now - times.iloc[-1]).total_seconds() > patience + float(last["processing"]):
        state = State.STOPPED
    elif busy.empty or (now - busy.iloc[-1]).total_seconds() > patience + float(last["processing"]):
        state = State.IDLE
    else:
        state = State.RUNNING
    return Pulse(
        state=state,
        rate=float(last["trades"]) / interval,
        processing=float(last["processing"]),
        delay=float(last["delay"]),
        event_time=int(rows["event_time"].fillna(0).max()),
        behind=_behind(rows.iloc[-_LOOKED_AT:], times.iloc[-_LOOKED_AT:]),
    )


def _behind(rows: pd.DataFrame, times: pd.Series) -> bool:
    """Tell whether batches follow one another without a pause; a tick that was missed makes the next one longer."""
    if len(rows) < _FEWEST:
        return False
    passed = (times.iloc[-1] - times.iloc[0]).total_seconds()
    return bool(rows["processing"].iloc[:-1].sum() > _FULL * passed > 0)


def interval_of(times: pd.Series) -> float:
    """Return how many seconds lie between batches, usually.

    Args:
        times: Their times, ascending.

    >>> interval_of(pd.Series(pd.to_datetime([0, 2, 4, 60], unit="s", utc=True)))
    2.0
    """
    gaps = times.diff().dt.total_seconds().dropna()
    return float(gaps.median()) if len(gaps) and gaps.median() > 0 else 1.0
