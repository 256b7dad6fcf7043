"""The example: a program that opens a strategy and follows its fills, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from riskcontrol.strategy import Action
from tests.frontend.accounts import House
from tests.frontend.api.conftest import Program
from tests.frontend.conftest import Tape
from tests.frontend.fake import strategy

SCRIPT = Path(__file__).parents[3] / "examples" / "follow_fills.py"


def started(home: House, key: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), home.address, "--ticker", "IBM", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"RISKCONTROL_KEY": key},
    )


def test_it_opens_a_strategy_and_prints_its_fills_as_they_come(home: House, program: Program, tape: Tape) -> None:
    rows = home.tables.fill_rows["ann", "IBM", "dip"]
    key = program().headers["authorization"].removeprefix("Bearer ")
    with started(home, key, "--fills", "3") as script:
        assert script.stdout is not None
        assert script.stderr is not None
        while not tape.sent and script.poll() is None:
            time.sleep(0.01)
        ((opened, action),) = tape.sent
        assert (opened.username, opened.ticker, opened.name, action) == ("ann", "IBM", "example-dip", Action.OPEN)
        home.tables.fill_rows["ann", "IBM", "example-dip"] = rows[:2]
        parts = ("username", "ticker", "name", "cash", "shape", "parameters", "terms")
        home.tables.strategy_rows.append(strategy(**{part: getattr(opened, part) for part in parts}))
        assert script.stdout.readline() == "example-dip on IBM is waiting.\n"
        said = [script.stdout.readline() for _ in range(2)]
        home.tables.fill_rows["ann", "IBM", "example-dip"] = rows[:3]
        said.append(script.stdout.readline())
        assert script.wait(60) == 0, script.stderr.read()
    assert [line.split("  ")[1].split(" at ")[0] for line in said] == ["bought 55", "sold 55", "bought 55"]
    assert "at $181.70 (buy)" in said[0]


def test_it_says_why_it_is_refused(home: House, program: Program, tape: Tape) -> None:
    key = program(scope="read").headers["authorization"].removeprefix("Bearer ")
    for used, why in (
        (key, "403: This key may only read."),
        (f"{key}x", "401: the key is none"),
        ("", "set RISKCONTROL_KEY"),
    ):
        with started(home, used) as script:
            _, errors = script.communicate(timeout=60)
        assert script.returncode == 1
        assert errors.startswith(why)
    assert tape.sent == []
