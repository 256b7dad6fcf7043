"""The benchmark of the pages: a day whose rows fit together, requests for other viewers, an open loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from click.testing import CliRunner
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from bench.pages import tell
from bench.pages_data import OPEN, Day, Size
from bench.pages_load import Recorded, load, recorded
from riskcontrol.cli.bench import command
from riskcontrol.equity import equity_curve
from riskcontrol.packed import unpacked
from riskcontrol.trades import NS_PER_MINUTE
from tests.awaiting import awaited
from tests.frontend.serving import served

SIZE = Size(users=40, tickers=7, fills=5, minutes=30, seed=3)


@pytest.fixture(scope="module")
def day() -> Day:
    return Day(SIZE, shards=3)


def test_every_fill_is_paid_for_and_the_position_is_what_is_left(day: Day) -> None:
    fills, positions = day.fills()
    assert len(fills) == SIZE.users * SIZE.fills
    assert (np.diff(fills.time) >= 0).all()
    cash = dict(zip(day.openings.username.tolist(), day.openings.cash.tolist(), strict=True))
    last = {name: i for i, name in enumerate(positions.username.tolist())}
    for user, start in cash.items():
        own = fills.take(fills.username == user)
        assert own.number.tolist() == [1, 2, 3, 4, 5]
        assert start - np.cumsum(own.price * own.shares) == pytest.approx(own.cash)
        assert own.cash.min() >= 0
        state = positions.take(slice(last[user], last[user] + 1))
        assert (state.cash[0], state.shares[0], state.fills[0]) == (own.cash[-1], own.shares.sum(), 5)


def test_a_strategy_s_curve_can_be_drawn(day: Day) -> None:
    fills, _ = day.fills()
    own = fills.take(fills.username == day.openings.username[0])
    bars = day.bars()
    bars = bars.take(bars.ticker == own.ticker[0])
    curve = equity_curve(
        int(day.openings.cash[0]), fill_time=own.time, fill_price=own.price, fill_shares=own.shares, fill_cash=own.cash,
        bar_time=bars.time, bar_close=bars.close,
    )  # fmt: skip
    assert len(curve) == len(bars) + SIZE.fills
    assert (curve.value > 0).all()


def test_the_days_of_all_shards_are_the_sums_of_the_bars(day: Day) -> None:
    bars = day.bars()
    found = []
    for shard in range(3):
        (table,) = unpacked(day.days(bars, shard))
        found += table.to_pylist()
    assert sum(row["volume"] for row in found) == bars.volume.sum()
    assert {row["ticker"] for row in found} == {name.decode() for name in bars.ticker.tolist()}
    assert bars.time.min() >= OPEN
    assert bars.time.max() < OPEN + SIZE.minutes * NS_PER_MINUTE


def test_a_request_is_rewritten_for_another_viewer_and_nothing_else_in_it() -> None:
    body = {
        "output": "user000007.data",
        "inputs": [{"id": "A", "property": "value", "value": ["A x", {"k": "/market/A?q=AB"}]}],
        "state": [[{"id": "u", "property": "value", "value": "user000007"}], {"id": "n", "value": 7}],
        "changedPropIds": ["A.value"],
    }
    made = recorded("ticker", json.dumps(body), 9, {"user": "user000007", "ticker": "A"})
    sent = json.loads(made.written_for({"user": "ann", "ticker": "BRK.B"}))
    assert sent["inputs"][0]["value"] == ["BRK.B x", {"k": "/market/BRK.B?q=AB"}]
    assert sent["state"][0][0]["value"] == "ann"
    assert (sent["output"], sent["inputs"][0]["id"], sent["state"][1]["value"]) == ("user000007.data", "A", 7)


@contextmanager
def slow(seconds: float) -> Iterator[str]:
    """An application that answers one request at a time, each after so long, and refuses what says so."""
    app, turn = FastAPI(), asyncio.Lock()

    @app.post("/_dash-update-component")
    async def answer(request: Request) -> Response:
        async with turn:
            await asyncio.sleep(seconds)
        return PlainTextResponse("no", 500 if b"fail" in await request.body() else 200)

    with served(app) as address:
        yield address


def test_times_count_from_when_a_request_was_due_and_errors_are_told() -> None:
    requests = [Recorded("good", "{}", 1), Recorded("bad", '"fail"', 1)]
    with slow(0.02) as address:
        outcome = awaited(load, address, requests, [{}], rate=200, seconds=0.2)
    figures = outcome.figures()
    assert (figures["all"]["requests"], figures["all"]["errors"]) == (40, 20)
    assert figures["bad"]["p50_ms"] is None
    assert outcome.first_error.startswith("bad: 500")
    # A server that takes 20 ms for each falls behind one every 5 ms: the last waits for those before it.
    assert figures["all"]["p99_ms"] > 10 * 20
    assert outcome.took > 40 * 0.02


def test_figures_are_told_with_the_goals(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"requests": 3, "errors": 0, "p50_ms": 1.5, "p95_ms": 2.5, "p99_ms": None}
    tell(
        {
            "rows": {"fills": 1_000},
            "load_average": 1.0,
            "load": {"all": figures},
            "rate": 50.0,
            "callbacks": 4,
            "sent_late_ms": 0.5,
            "dashboard_cores": 0.2,
            "dashboard_mb": 200,
            "first_error": "",
            "pages": {
                "market": {"seconds": 1.25, "graph_seconds": None, "bytes": {"script": 900_000, "all": 900_000}},
                "new": {"seconds": None, "graph_seconds": None},
            },
            "goals": [{"name": "p95", "value": 2.5, "goal": "<= 100", "reached": True}],
        }
    )
    told = capsys.readouterr().out
    assert "market     1.25      -     900  900" in told
    assert "1,000 fills" in told
    assert "yes" in told


def test_an_unknown_page_is_refused_by_name() -> None:
    result = CliRunner().invoke(command, ["pages", "--page", "nowhere"])
    assert result.exit_code == 2
    assert "'nowhere' is none of: overview, strategy" in result.output
