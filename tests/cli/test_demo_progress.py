"""What a demonstration tells while it starts and replays its day, and after it."""

from __future__ import annotations

import io
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rich.console
from rich.console import Console

from riskcontrol.cli import demo, demonstration, simulate
from tests.frontend.fake import OPEN


def test_a_long_step_tells_now_and_then_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(demo, "time", SimpleNamespace(monotonic=lambda: now[0]))
    told = demo._teller(None, began=90.0)
    for seconds, done in ((0, 0), (4, 1_000), (16, 4_000), (17, 5_000), (32, 9_000)):
        now[0] = 100.0 + seconds
        told("Waiting", done / 10_000, f"{done:,} are open")
    told("Replaying", None)
    assert capsys.readouterr().err.splitlines() == [
        " 10.0 s  Waiting ...",
        " 26.0 s  Waiting: 4,000 are open",
        " 42.0 s  Waiting: 9,000 are open",
        " 42.0 s  Replaying ...",
    ]


def test_on_a_terminal_the_replay_is_drawn_and_an_interrupt_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, interrupted, ended = io.StringIO(), list[int](), threading.Event()
    monkeypatch.setattr(rich.console, "Console", partial(Console, file=terminal, force_terminal=True, width=160))
    monkeypatch.setattr(demo, "_Pipeline", lambda settings: SimpleNamespace(told=lambda: "last batch: 7 trades"))

    def replay(ready: object, show: Callable[[object], None], stop: threading.Event) -> None:
        show(SimpleNamespace(time=OPEN, sent=1_234, bytes_read=50, size=100))
        assert stop.wait(60)
        ended.set()

    def check() -> None:
        if "1,234" in terminal.getvalue():
            interrupted.append(signal.SIGINT)

    running: Any = SimpleNamespace(replay=replay, check=check)
    ready: Any = SimpleNamespace(settings=None)
    with demo._bar() as bar:
        demo._teller(bar, began=0.0)("Starting", 0.5)
        with pytest.raises(KeyboardInterrupt):
            demo._replayed(running, ready, bar, interrupted)
    assert ended.wait(60), "the producer goes on"
    last = terminal.getvalue().rpartition("Replaying")[2]
    assert "09:30:00 New York, 1,234 trades sent; last batch: 7 trades" in last


@pytest.mark.parametrize(
    ("trades", "lines"),
    [
        (
            "",
            [
                "simulate --day 2024-03-06",
                "ingest EQY_US_ALL_TRADE_20240306.gz --from 09:30 --speed 60 --home '/a home'",
            ],
        ),
        ("s3://days", ["ingest FILE --from 09:30 --speed 60 --home '/a home'"]),
    ],
)
def test_after_the_day_it_tells_how_another_one_is_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trades: str, lines: list[str]
) -> None:
    ready: Any = SimpleNamespace(settings=SimpleNamespace(home=Path("/a home")))
    monkeypatch.setattr(demo.sys, "argv", ["/a clone/.venv/bin/riskcontrol"])
    for found, program in (("/usr/bin/riskcontrol", "riskcontrol"), (None, "'/a clone/.venv/bin/riskcontrol'")):
        monkeypatch.setattr(demo.shutil, "which", {"riskcontrol": found}.get)
        demo._another_day(ready, trades)
        assert capsys.readouterr().out.splitlines()[1:] == [f"  {program} {line}" for line in lines]


def test_the_day_that_follows_is_as_large_as_the_demonstration_s() -> None:
    defaults = {option.name: option.default for option in simulate.command.params}
    own = (demonstration.TICKERS, demonstration.TRADES, demonstration.SEED)
    assert (defaults["tickers"], defaults["trades"], defaults["seed"]) == own
