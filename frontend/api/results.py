"""What became of a strategy: its fills, equity, statistics and verdict."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from fastapi import Query
from pydantic import AwareDatetime

from database.reads import AFTER_ALL, BEFORE_ALL
from frontend.api import models, values
from frontend.api.parameters import Limit, Name, PlaceCursor, Ticker, Username
from frontend.api.server import Addresses
from frontend.api.strategies import ONE, found
from frontend.api.values import iso, moment, money
from frontend.context import Context
from frontend.reduce import MOST_POINTS, keep_extremes
from frontend.reports import Report

Since = Annotated[
    AwareDatetime | None,
    Query(description="Only from this time of the tape on, ISO 8601 with its zone.", examples=["2013-10-07T13:30:00Z"]),
]
Until = Annotated[
    AwareDatetime | None,
    Query(description="Only before this time of the tape, ISO 8601 with its zone.", examples=["2013-10-08T00:00:00Z"]),
]

_FILL = ("time", "number", "price", "shares", "fee", "cash", "sequence", "reason")
_OF_MONEY = "makes money"
"""The rule of the verdict whose number is micro-dollars; those of the others are fractions, ratios and counts."""


def register(addresses: Addresses, context: Context) -> None:
    """Add the addresses; before that of the strategy itself, whose name might be theirs."""

    @addresses.add("GET", ONE + "/fills", tag="results")
    def list_fills(
        username: Username,
        ticker: Ticker,
        name: Name,
        order: Annotated[Literal["oldest", "newest"], Query(description="Which come first.")] = "oldest",
        since: Since = None,
        until: Until = None,
        limit: Limit = 100,
        cursor: PlaceCursor = "",
    ) -> models.Fills:
        """List a strategy's fills by time of the tape, a page at a time.

        To follow a strategy, ask for the oldest first and go on with `next`. Where a day is replayed that lies before
        others, its fills lie before theirs, too: their numbers, which never repeat, tell.
        """
        found(context, username, ticker, name)
        low = (values.nanoseconds(since), 0) if since else BEFORE_ALL
        high = (values.nanoseconds(until), 0) if until else AFTER_ALL
        newest = order == "newest"
        if cursor:
            place = values.place_of(cursor)
            low, high = (low, min(high, place)) if newest else (max(low, place), high)
        frame = context.source.read(
            lambda reader: reader.fills_between(username, ticker, name, low, high, newest=newest, limit=limit + 1)
        )
        rows = list(zip(*(frame[column].head(limit).tolist() for column in _FILL), strict=True))
        return models.Fills.model_validate(
            {
                "fills": [
                    {
                        "number": number,
                        "time": iso(at),
                        "reason": reason,
                        "shares": shares,
                        "price": money(one),
                        "fee": money(fee),
                        "cash": money(cash),
                        "sequence": sequence,
                    }
                    for at, number, one, shares, fee, cash, sequence, reason in rows
                ],
                "next": f"{rows[-1][0]}-{rows[-1][1]}" if rows else cursor or None,
                "more": len(frame) > limit,
            }
        )

    @addresses.add("GET", ONE + "/equity", tag="results", errors=(500,))
    def read_equity(
        username: Username,
        ticker: Ticker,
        name: Name,
        since: Since = None,
        until: Until = None,
        points: Annotated[int, Query(ge=4, le=MOST_POINTS, description="Most points of an answer.")] = 500,
    ) -> models.EquityCurve:
        """Return what a strategy was worth over time; all points are in the file `equity.csv`."""
        report = _report(context, username, ticker, name)
        if report is None:
            return models.EquityCurve(points=[], reduced=False, since=None)
        curve = report.curve
        low = values.nanoseconds(since) if since else 0
        high = values.nanoseconds(until) if until else AFTER_ALL[0]
        wanted = np.flatnonzero((curve.time >= low) & (curve.time < high))
        kept = wanted[keep_extremes(curve.value[wanted], points)]
        names = ("time", "price", "cash", "shares", "value", "profit")
        rows = zip(*(getattr(curve, column)[kept].tolist() for column in names), strict=True)
        return models.EquityCurve.model_validate(
            {
                "points": [
                    {
                        "time": iso(at),
                        "price": money(one),
                        "cash": money(cash),
                        "shares": held,
                        "value": money(worth),
                        "profit": money(made),
                    }
                    for at, one, cash, held, worth, made in rows
                ],
                "reduced": len(kept) < len(wanted),
                "since": moment(report.since),
            }
        )

    @addresses.add("GET", ONE + "/statistics", tag="results", errors=(500,))
    def read_statistics(username: Username, ticker: Ticker, name: Name) -> models.Statistics:
        """Return every statistic of a strategy, up to the minute."""
        report = _report(context, username, ticker, name)
        if report is None:
            return models.Statistics(statistics=[], since=None)
        return models.Statistics.model_validate(
            {"statistics": values.statistics(report.statistics), "since": moment(report.since)}
        )

    @addresses.add("GET", ONE + "/verdict", tag="results", errors=(500,))
    def read_verdict(username: Username, ticker: Ticker, name: Name) -> models.Verdict:
        """Return what to do with a strategy - pull, keep testing, scale up - and every reason with its number."""
        report = _report(context, username, ticker, name)
        if report is None:
            return models.Verdict(decision=None, reasons=[], since=None)
        return models.Verdict(
            decision=report.verdict.decision.value,
            reasons=[
                models.RuleReason(
                    rule=reason.rule,
                    points_to=reason.points_to.value,
                    words=reason.words,
                    value=money(int(reason.value or 0)) if reason.rule == _OF_MONEY else reason.value,
                )
                for reason in report.verdict.reasons
            ],
            since=moment(report.since),
        )


def _report(context: Context, username: str, ticker: str, name: str) -> Report | None:
    """Return what a strategy came to; None before its first trade."""
    row = found(context, username, ticker, name)
    position = context.source.read(lambda reader: reader.positions([row]))[0]
    if position is None:
        return None
    snapshot = context.market.snapshot()
    mark = snapshot.prices.get(ticker)
    return context.source.read(lambda reader: context.reports.of(reader, row, position, mark, resting=snapshot.resting))
