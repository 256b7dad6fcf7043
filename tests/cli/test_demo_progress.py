"""What a demonstration tells while it starts, where there is no terminal to draw on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from riskcontrol.cli import demo, demonstration, simulate


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
