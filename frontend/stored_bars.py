"""The stored minute bars of a ticker's last days, as a preview takes them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from frontend.history import PastBars
from frontend.preview import Job, Refusal
from riskcontrol.backtest_bars import CLOSES, OPENS
from riskcontrol.language.text import duration_text
from riskcontrol.newyork import NS_PER_DAY, date_of, local_time
from riskcontrol.shape import interval_of
from riskcontrol.strategy import Strategy
from riskcontrol.terms import Session
from riskcontrol.trades import NS_PER_SECOND

if TYPE_CHECKING:
    from database.reads import Reader

DAYS = 10
"""Calendar days, up to the ticker's last trade, whose bars are looked at."""
MINUTE = 60
_COLUMNS = ("time", "open", "high", "low", "close", "volume", "notional")


def recent(reader: Reader, past: PastBars, ticker: str, mark: tuple[int, int]) -> pd.DataFrame:
    """Return a ticker's bars of its last days, oldest first, with the columns of `Reader.bars`.

    Args:
        reader: The database.
        past: The bars kept of past days.
        ticker: Which.
        mark: Time and price of its last trade.
    """
    today = date_of(mark[0])
    return past.bars(reader, ticker, [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)], today)


def job(strategy: Strategy, bars: pd.DataFrame) -> Job | Refusal:
    """Return what to try on bars, or why they won't do.

    Args:
        strategy: Any strategy.
        bars: Of its ticker, with the columns of `Reader.bars`.
    """
    every, session = interval_of(strategy.shape)
    every = every or MINUTE
    length = duration_text(every)
    if every % MINUTE:
        return Refusal(
            f"The stored bars are of a minute: a strategy on bars of {length} can't be tried on them. "
            "In the stream it makes its bars of the trades themselves."
        )
    columns = {name: bars[name].to_numpy(np.int64) for name in _COLUMNS}
    # A minute of odd lots alone has no prices.
    kept = columns["close"] > 0
    local = local_time(columns["time"])
    if session is Session.REGULAR:
        kept &= (local % NS_PER_DAY >= OPENS) & (local % NS_PER_DAY < CLOSES)
    if not kept.any():
        return Refusal(f"No bars of {strategy.ticker} are stored of its last {DAYS} days to try it on.")
    count = len(np.unique(local[kept] // (every * NS_PER_SECOND)))
    if count < 2:
        return Refusal(
            f"Too few bars: one of {length} is stored of {strategy.ticker}, and what is decided on one bar fills on "
            "the next. Come back later, or open it and watch."
        )
    return Job(strategy, every, {name: np.ascontiguousarray(column[kept]) for name, column in columns.items()})
