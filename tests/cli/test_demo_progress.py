"""What a demonstration tells while it starts, where there is no terminal to draw on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from riskcontrol.cli import demo


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
