"""Standard output on a disk that is full: each command says so in one line, and ends with 1."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.ingestion.trade_files import row, taq, write
from tests.processes import RISKCONTROL


@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    [
        ("--help", ""),
        ("--help", "1"),
        ("indicators closes.csv --expr ema(3)", ""),
        ("bars x_20131007.gz", ""),
        ("bars x_20131007.gz --format json", "1"),
    ],
)
def test_a_full_output_is_told(tmp_path: Path, arguments: str, unbuffered: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    write(tmp_path / "x_20131007.gz", taq([row(), row()]))
    (tmp_path / "closes.csv").write_text("date,close\n2013-10-07,10\n2013-10-08,11\n")
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*RISKCONTROL, *arguments.split()],
            cwd=tmp_path,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    *before, last = ended.stderr.splitlines()
    assert last == "riskcontrol: error: standard output: can't be written: No space left on device"
    assert ended.returncode == 1
    assert not any("Traceback" in line or "Exception" in line for line in before)
