"""Previews: what the worker computes, and what becomes of one that is slow, dies or is not there."""

from __future__ import annotations

import asyncio
import errno
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from frontend import app as application
from frontend import preview, preview_worker
from frontend.preview import BUSY, DIED, NEXT, NO_START, TOO_LONG, Job, Preview, Previews, Refusal, starting
from frontend.preview_figures import equity_rows, figure, fill_rows
from frontend.reduce import MOST_POINTS
from riskcontrol.backtest import on_bars
from riskcontrol.money import MICROS
from riskcontrol.settings import Settings
from riskcontrol.strategy import Strategy, first_rule
from riskcontrol.trades import NS_PER_MINUTE
from tests.awaiting import awaited
from tests.frontend.fake import OPEN, trader

DAY = 1_440 * NS_PER_MINUTE


def job(days: int = 2, strategy: Strategy | None = None, seconds: int = 60) -> Job:
    """A strategy and whole sessions of minutes that go up and down."""
    minutes = np.arange(390) * NS_PER_MINUTE
    time = np.concatenate([OPEN + day * DAY + minutes for day in range(days)])
    close = 180_000_000 + 10_000 * ((np.arange(len(time)) * 37 + 40) % 83)
    columns = {name: close.astype(np.int64) for name in ("open", "high", "low", "close")}
    volume = np.full(len(time), 100)
    one = strategy or first_rule("ann", "dip", "IBM", 10_000 * MICROS, 100_000, 200_000)
    return Job(one, seconds, {"time": time, **columns, "volume": volume, "notional": close * 100})


def test_a_preview_is_the_engines_backtest_on_the_bars() -> None:
    wanted = job()
    found = preview_worker.preview(wanted)
    bars = {**wanted.bars, "start": wanted.bars["time"], "end": wanted.bars["time"] + NS_PER_MINUTE}
    bars["day"] = wanted.bars["time"] // DAY
    backtest = on_bars([wanted.strategy], {"IBM": bars})
    fills = backtest.fills_of(0)
    assert len(fills) > 10
    assert found.fills["price"].tolist() == fills.price.tolist()
    assert found.fills["shares"].tolist() == fills.shares.tolist()
    assert found.statistics["fills"] == len(fills)
    assert found.statistics["end_equity"] == int(backtest.equity_of(0).value[-1])
    assert (found.bars, found.first, found.last) == (780, OPEN, OPEN + DAY + 390 * NS_PER_MINUTE)
    assert (found.decision, found.why[0][0]) == ("pull", "pull")


def test_longer_bars_are_made_of_the_minutes() -> None:
    shape = '{"buy":"close > sma(close, 2)","sell":"close < sma(close, 2)","every":900}'
    found = preview_worker.preview(job(strategy=Strategy("a", "a", "IBM", 10**10, shape), seconds=900))
    assert found.bars == 2 * 26


def test_at_most_so_many_points_are_sent_with_the_extremes_among_them() -> None:
    wanted = job(days=7)
    found = preview_worker.preview(wanted)
    assert len(found.curve["time"]) <= MOST_POINTS < len(wanted.bars["time"])
    assert (found.curve["price"].min(), found.curve["price"].max()) == (180_000_000, 180_820_000)
    held = found.curve["held"][-1] / (10_000 * MICROS) - 1
    assert held == pytest.approx(float(found.statistics["buy_and_hold_return"] or 0), abs=1e-9)
    drawn = figure(found, "IBM")
    assert len(drawn["data"]) == 5
    assert drawn["layout"]["uirevision"] == "IBM"


def test_the_tables_have_the_numbers_of_the_graph() -> None:
    found = preview_worker.preview(job())
    newest, *_ = equity_rows(found)
    assert newest[0] == "2013-10-08 16:00"
    assert [row[0][11:] for row in equity_rows(found)] == [f"{hour}:00" for hour in range(16, 9, -1)] * 2
    value = int(found.curve["value"][-1])
    assert newest[1] == f"${round(value / 10_000) / 100:,.2f}"
    rows = fill_rows(found)
    assert [row[3] for row in rows[-2:]] == ["sell", "buy"]
    assert {row[1][0] for row in rows} == {"+", "−"}


def test_what_cannot_be_computed_is_an_answer_too() -> None:
    shape = '{"buy":"close > sma(close, 2)","every":300}'
    refused = preview_worker.answer(job(strategy=Strategy("a", "a", "IBM", 10**10, shape), seconds=420))
    assert isinstance(refused, Refusal | Preview)
    worth = job(strategy=first_rule("a", "a", "IBM", 10**15, 1, 1))
    worth.bars["close"][:] = 10**12
    assert "64 bits" in getattr(preview_worker.answer(worth), "message", "64 bits")


@pytest.mark.timeout(400)
def test_the_worker_answers_goes_with_the_dashboard_and_is_started_anew() -> None:
    previews = Previews()
    try:
        deadline = time.monotonic() + 300
        while is_starting(found := previews.run(job())) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert isinstance(found, Preview)
        assert found.statistics == preview_worker.preview(job()).statistics
        process = previews._worker.process  # type: ignore[union-attr]
        previews._worker.connection.close()  # type: ignore[union-attr]  as when the dashboard is killed
        assert process.wait(30) == 0
        assert is_starting(previews.run(job()))
    finally:
        previews.close()


STUB = """
import signal, sys, time
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[-1]))
kind = sys.argv[1]
if kind == "broken":
    sys.exit(3)
if kind == "slow start":
    time.sleep(60)
connection.send("ready")
while True:
    try:
        job = connection.recv()
    except EOFError:
        sys.exit(0)
    if kind == "dies":
        sys.exit(1)
    if kind == "alarm":
        signal.setitimer(signal.ITIMER_REAL, 0.05)
    if kind in ("alarm", "stuck"):
        while True:
            time.sleep(0.01)
    connection.send(kind)
    if kind == "leaves":
        sys.exit(0)
"""


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Previews]]:
    """Previews with a worker that only pretends; all are closed at the end."""
    made: list[Previews] = []
    monkeypatch.setattr(preview, "PATIENCE_SECONDS", 20.0)  # waits as long as it takes, and no longer
    yield made
    for one in made:
        one.close()


def is_starting(found: Preview | Refusal) -> bool:
    return isinstance(found, Refusal) and found.soon and found.message.startswith("The engine is being ")


def test_who_waits_for_the_engine_is_told_what_it_does_and_for_how_long(
    stub: list[Previews], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(preview, "is_compiled", lambda: False)
    previews = of(stub, "slow start")
    previews.begin()
    worker = previews._worker
    assert worker is not None
    worker.since -= 75
    assert previews.run(job()) == starting(75, compiles=True)
    assert "compiled for this machine, once and for all, for 75 s so far" in starting(75, compiles=True).message
    previews.begin()
    assert previews._worker is worker, "it runs already"


def test_where_the_worker_cannot_be_started_that_is_logged_and_told(
    stub: list[Previews], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    previews, popen = of(stub, "leaves"), subprocess.Popen

    def no_memory(*args: Any, **more: Any) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", no_memory)
    previews.begin()
    assert previews.run(job()) is NO_START
    assert [record.getMessage() for record in caplog.records] == [
        "The preview's engine can't be started: [Errno 12] Cannot allocate memory"
    ] * 2
    monkeypatch.setattr(subprocess, "Popen", popen)
    assert previews.run(job()) == "leaves"
    previews._worker.process.wait(20)  # type: ignore[union-attr]
    monkeypatch.setattr(subprocess, "Popen", no_memory)
    assert previews.run(job()) is NO_START, "it left, and there is no room for another"
    assert previews._worker is None


def test_a_dashboard_whose_worker_cannot_be_started_starts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(application, "is_compiled", lambda: True)

    def no_files(*args: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(preview, "_started", no_files)
    server = application.create_app(Settings(), reader=trader(), early=True)

    async def run() -> None:
        async with server.router.lifespan_context(server):
            pass

    awaited(run)
    assert "Too many open files" in caplog.text


def test_whatever_ends_the_dashboard_ends_what_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Previews] = []
    monkeypatch.setattr(Previews, "close", lambda previews: closed.append(previews))
    server = application.create_app(Settings(), reader=trader())

    async def run() -> set[asyncio.Task[Any]]:
        with pytest.raises(RuntimeError, match="the server's end"):
            async with server.router.lifespan_context(server):
                raise RuntimeError("the server's end")
        return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]

    assert awaited(run) == set()
    assert len(closed) == 1


def test_a_worker_that_has_left_is_started_again_before_somebody_asks(stub: list[Previews]) -> None:
    previews = of(stub, "leaves")
    assert previews.run(job()) == "leaves"
    gone = previews._worker.process  # type: ignore[union-attr]
    gone.wait(20)
    previews.begin()
    assert previews._worker.process is not gone  # type: ignore[union-attr]
    assert previews.run(job()) == "leaves"


def of(stub: list[Previews], kind: str) -> Previews:
    stub.append(Previews([sys.executable, "-c", STUB, kind]))
    return stub[-1]


@pytest.mark.parametrize(("kind", "answer"), [("dies", DIED), ("alarm", TOO_LONG), ("broken", NO_START)])
def test_a_worker_that_ends_is_told_and_replaced(stub: list[Previews], kind: str, answer: Refusal) -> None:
    previews = of(stub, kind)
    assert previews.run(job()) is answer
    assert previews._worker is None
    assert previews.run(job()) is answer


def test_a_worker_that_does_not_even_end_itself_is_killed(
    stub: list[Previews], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "ANSWER_SECONDS", -0.9)
    assert of(stub, "stuck").run(job()) is TOO_LONG
    assert stub[0]._worker is None


def test_a_worker_that_left_for_want_of_work_is_started_again(stub: list[Previews]) -> None:
    previews = of(stub, "leaves")
    assert previews.run(job()) == "leaves"
    previews._worker.process.wait(20)  # type: ignore[union-attr]
    assert is_starting(previews.run(job()))
    assert previews.run(job()) == "leaves"


def test_nobody_waits_long_for_a_worker_that_starts(stub: list[Previews], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "PATIENCE_SECONDS", 0.01)
    previews = of(stub, "slow start")
    assert is_starting(previews.run(job()))
    monkeypatch.setattr(preview, "START_SECONDS", 0.0)
    assert previews.run(job()) is NO_START


def test_who_waits_is_told_for_what(stub: list[Previews], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "PATIENCE_SECONDS", 0.01)
    previews = of(stub, "slow start")
    with previews._lock:  # as while another is being tried
        previews._inside = 1
        assert previews.run(job()) is NEXT
        previews._inside = 2
        assert previews.run(job()) is BUSY, "somebody else is next"
    previews._inside = 0
    assert is_starting(previews.run(job()))
    with previews._lock:
        previews._inside = 1
        assert is_starting(previews.run(job())), "the other one waits for the worker as well"


def test_when_many_wait_the_next_is_told_at_once(stub: list[Previews], monkeypatch: pytest.MonkeyPatch) -> None:
    previews = of(stub, "stuck")
    monkeypatch.setattr(preview, "ANSWER_SECONDS", -0.9)
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(previews.run(job()))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(BUSY) >= len(threads) - preview.MOST_WAITING
