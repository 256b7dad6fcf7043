"""The worker process behind previews, the only part of the dashboard that loads the compiled engine.

The dashboard starts it as ``python -m frontend.preview_worker SOCKET``. It says that it is ready and answers each
`Job` with a `Preview` or a `Refusal`.
"""

from __future__ import annotations

from riskcontrol.heap import roomy, usual

if __name__ == "__main__":
    roomy()

import os
import resource
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from frontend.preview import ANSWER_SECONDS, IDLE_SECONDS, MOST_MARKS, MOST_MEMORY, Job, Preview, Refusal
from frontend.reduce import hour_ends, keep_extremes
from riskcontrol.backtest import on_bars
from riskcontrol.backtest_bars import BarTape
from riskcontrol.errors import RiskControlError
from riskcontrol.money import MICROS
from riskcontrol.newyork import local_time
from riskcontrol.priority import give_way
from riskcontrol.states import Reason
from riskcontrol.statistics import compute
from riskcontrol.strategy import Strategy
from riskcontrol.trades import NS_PER_MINUTE
from riskcontrol.verdict import verdict

_POLITENESS = 5
"""The pages and the stream go first."""


def preview(job: Job) -> Preview:
    """Return what becomes of a strategy on stored bars.

    Raises:
        RiskControlError: It can't be run on them.
        OverflowError: A value doesn't fit into 64 bits.
    """
    start = job.bars["time"]
    values: dict[str, NDArray] = {name: job.bars[name] for name in ("open", "high", "low", "close", "volume")}
    values["notional"] = job.bars["notional"] / MICROS
    tape = BarTape("the stored bars", 60, start, start + NS_PER_MINUTE, local_time(start), values, ())
    columns = tape.columns(job.seconds)
    backtest = on_bars([job.strategy], {job.strategy.ticker: columns})
    curve, fills = backtest.equity_of(0), backtest.fills_of(0)
    record = backtest.record_of(0, curve)
    statistics = compute(record)
    judged = verdict(statistics, record)
    kept = np.unique(
        np.concatenate([keep_extremes(curve.value, 800), keep_extremes(curve.price, 800), hour_ends(curve.time)])
    )
    held = (curve.price[kept] * (job.strategy.cash / int(curve.price[0]))).astype(np.int64)
    newest = slice(max(0, len(fills) - MOST_MARKS), None)
    return Preview(
        bars=len(columns["end"]),
        first=int(columns["start"][0]),
        last=int(columns["end"][-1]),
        curve={name: getattr(curve, name)[kept] for name in ("time", "price", "value")} | {"held": held},
        fills={name: getattr(fills, name)[newest] for name in ("time", "price", "shares")},
        reasons=[Reason(code).name.lower() for code in fills.reason[newest].tolist()],
        statistics=statistics,
        decision=judged.decision.value,
        why=[(reason.points_to.value, reason.words) for reason in judged.reasons],
    )


def answer(job: Job) -> Preview | Refusal:
    """Return a preview, or what is wrong with it."""
    try:
        return preview(job)
    except (RiskControlError, OverflowError) as error:
        return Refusal(str(error))
    except MemoryError:
        return Refusal("It needs more memory than a preview is given. Try fewer or shorter indicators.")


def warm_up() -> None:
    """Run the engine once, which loads all that is compiled, or compiles it."""
    times = NS_PER_MINUTE * np.arange(4, dtype=np.int64)
    bars = {name: np.array([3, 2, 1, 4], np.int64) for name in ("open", "high", "low", "close", "volume", "notional")}
    shape = '{"buy":"close < sma(close, 2)","sell":"price > entry","every":60}'
    preview(Job(Strategy("warm", "up", "A", MICROS, shape), 60, {"time": times, **bars}))


def main(number: int) -> None:
    """Answer until nobody asks any more.

    Args:
        number: Of the socket.
    """
    give_way(os.getpid(), _POLITENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    connection = Connection(number)
    warm_up()
    usual()
    connection.send("ready")
    while connection.poll(IDLE_SECONDS):
        job = connection.recv()
        # Its default action ends the process, even inside compiled loops.
        signal.setitimer(signal.ITIMER_REAL, ANSWER_SECONDS)
        made = answer(job)
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.send(made)


if __name__ == "__main__":
    with suppress(EOFError, ConnectionError):  # the pages' process has ended, or was killed
        main(int(sys.argv[1]))
