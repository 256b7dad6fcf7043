"""What is nobody's secret: bars and leaders; and the backtest on stored bars."""

from __future__ import annotations

import datetime as dt
import math
from typing import Annotated, Literal

import numpy as np
from fastapi import Query
from fastapi.concurrency import run_in_threadpool

from frontend.access import require_member, viewer
from frontend.api import models, values
from frontend.api.document import BODY, Posted
from frontend.api.parameters import Limit, PlaceCursor, Ticker
from frontend.api.problems import ProblemError, Wrong
from frontend.api.rates import Buckets
from frontend.api.server import RETRY, Addresses
from frontend.api.values import iso, money, price, wrong
from frontend.candles import INTERVALS, joined
from frontend.context import Context
from frontend.leading import Leading
from frontend.preview import DIED, NO_START, Preview, Refusal
from frontend.stored_bars import job, recent
from riskcontrol.leaders import LEAST_TRIPS, QUANTILES, probability
from riskcontrol.newyork import date_of
from riskcontrol.rows import Ints
from riskcontrol.strategy_file import Definition, strategy_of

MOST_DAYS = 31
"""Most days of which bars are read for an answer."""
TRIES_RATE, TRIES_BURST = 0.5, 5.0
"""Backtests a second of a user, and at once after a pause: the worker is the same as that of the pages' previews."""
_BAR = ("time", "open", "high", "low", "close", "volume", "notional", "trades")
_FIRST, _LAST = dt.date(1970, 1, 2), dt.date(2100, 1, 1)


def register(addresses: Addresses, context: Context) -> None:
    """Add the addresses."""
    leading, tries = Leading(context.source), Buckets(rate=TRIES_RATE, burst=TRIES_BURST)

    @addresses.add("GET", "/bars/{ticker:path}", tag="market")
    def list_bars(
        ticker: Ticker,
        first: Annotated[dt.date | None, Query(description="New York date; that of the ticker's last trade.")] = None,
        last: Annotated[dt.date | None, Query(description="New York date; `first` if left out.")] = None,
        interval: Annotated[Literal["1m", "5m", "15m", "30m", "1h", "1d"], Query(description="Of a bar.")] = "1m",
        limit: Limit = 500,
        cursor: PlaceCursor = "",
    ) -> models.Bars:
        """List a ticker's closed bars of some days, at most 31, oldest first; longer ones by New York's clock."""
        require_member()
        mark = context.market.snapshot().prices.get(ticker)
        newest = date_of(mark[0]) if mark else None
        first = first or newest
        if first is None:
            return models.Bars(ticker=ticker, interval=interval, bars=[], next=None)
        last = last or first
        for field, day in (("first", first), ("last", last)):
            if not _FIRST <= day <= _LAST:
                raise wrong(field, "a date from 1970 to 2100 is expected")
        if not dt.timedelta(0) <= last - first < dt.timedelta(MOST_DAYS):
            raise wrong("last", f"{MOST_DAYS} days from `first` on, at the most, and not before it")
        days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        bars = context.source.read(lambda reader: context.past.bars(reader, ticker, days, newest or last))
        bars = joined(bars, INTERVALS[interval])
        left = bars[bars["time"] > values.place_of(cursor)[0]] if cursor else bars
        rows = list(zip(*(left[name].head(limit).tolist() for name in _BAR), strict=True))
        # All at once: each model that is made by itself takes as long as ten that aren't.
        return models.Bars.model_validate(
            {
                "ticker": ticker,
                "interval": interval,
                "bars": [
                    {
                        "time": iso(at),
                        "open": price(begin),
                        "high": price(high),
                        "low": price(low),
                        "close": price(close),
                        "volume": volume,
                        "notional": money(notional),
                        "trades": trades,
                    }
                    for at, begin, high, low, close, volume, notional, trades in rows
                ],
                "next": f"{rows[-1][0]}-0" if len(left) > limit else None,
            }
        )

    @addresses.add("GET", "/leaders", tag="market")
    def list_leaders(
        by: Annotated[
            Literal["return", "evidence"],
            Query(description=f"Return, or probability of skill, which takes {LEAST_TRIPS} round trips."),
        ] = "return",
    ) -> models.Leaders:
        """List the best hundred strategies of the newest minute. Others than one's own have pseudonyms, and no name."""
        require_member()
        found = leading.now()
        if found is None:
            return models.Leaders(time=None, strategies=0, ranking=[], quantiles=[])
        rank, who = found.by_evidence if by == "evidence" else found.by_gain, viewer()
        columns = (rank.username, rank.ticker, rank.name, rank.gain, rank.evidence, rank.trips, rank.value)
        ranking = []
        for place, row in enumerate(zip(*(column.tolist() for column in columns), strict=True), 1):
            user, ticker, name = (part.decode() for part in row[:3])
            gain, evidence, trips, value = row[3:]
            ranking.append(
                {
                    "place": place,
                    "username": who.name_of(user),
                    "ticker": ticker,
                    "name": name if who.sees(user) else None,
                    "total_return": gain,
                    "probability": probability(evidence),
                    "round_trips": trips,
                    "value": money(value),
                }
            )
        spread = QUANTILES if found.strategies else ()
        return models.Leaders.model_validate(
            {
                "time": iso(found.time),
                "strategies": found.strategies,
                "ranking": ranking,
                "quantiles": [{"share": share, "total_return": found.quantile(share)} for share in spread],
            }
        )

    @addresses.add("POST", "/backtest", tag="market", errors=(400, 411, 413, 415), openapi_extra=BODY)
    async def run_backtest(posted: Posted) -> models.Backtest:
        """Try a strategy on the stored minute bars of its ticker's last ten days, as the page *New strategy* does.

        Rules are looked at at each bar's close and fill at the next bar's open; the stream looks at every trade, so its
        fills differ. A worker does it, in 5 seconds and 3 GiB at the most, one at a time: while it starts or others
        wait, the status is 503.
        """
        require_member()
        username = viewer().username
        wait = tries.take(username) if username else 0.0
        if wait:
            raise ProblemError(429, "too many backtests; wait a moment", headers={"retry-after": str(math.ceil(wait))})
        return await run_in_threadpool(_tried, context, posted)


def _tried(context: Context, definition: Definition) -> models.Backtest:
    """Return what a strategy would have done."""
    strategy = strategy_of(definition)
    mark = context.market.snapshot().prices.get(strategy.ticker)
    if mark is None:
        raise wrong("ticker", f"no bars of {strategy.ticker} are stored: it has not traded on this stream yet")
    bars = context.source.read(lambda reader: recent(reader, context.past, strategy.ticker, mark))
    wanted = job(strategy, bars)
    made = wanted if isinstance(wanted, Refusal) else context.previews.run(wanted)
    if isinstance(made, Preview):
        return _backtest(made)
    if made.soon or made in (NO_START, DIED):
        raise ProblemError(503, made.message, headers=RETRY)
    raise ProblemError(422, made.message, [Wrong("strategy", made.message)])


def _backtest(made: Preview) -> models.Backtest:
    def rows(columns: dict[str, Ints], *names: str) -> list[tuple[int, ...]]:
        return list(zip(*(np.asarray(columns[name]).tolist() for name in names), strict=True))

    return models.Backtest.model_validate(
        {
            "bars": made.bars,
            "first": iso(made.first),
            "last": iso(made.last),
            "decision": made.decision,
            "reasons": [{"points_to": points_to, "words": words} for points_to, words in made.why],
            "statistics": values.statistics(made.statistics),
            "points": [
                {"time": iso(at), "price": money(one), "value": money(value), "held": money(held)}
                for at, one, value, held in rows(made.curve, "time", "price", "value", "held")
            ],
            "fills": [
                {"time": iso(at), "price": money(one), "shares": shares, "reason": reason}
                for (at, one, shares), reason in zip(
                    rows(made.fills, "time", "price", "shares"), made.reasons, strict=True
                )
            ],
        }
    )
