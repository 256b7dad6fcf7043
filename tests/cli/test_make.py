"""`make demo`: ended as it is meant to be, it is no error."""

from __future__ import annotations

import os
import pty
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(venv: Path, script: str, *, interrupt: bool) -> tuple[str, int]:
    """Run `make demo` on a terminal with a demo of our own, and return what the terminal shows and the status."""
    (venv / "bin").mkdir()
    demo = venv / "bin" / "riskcontrol"
    demo.write_text(f"#!{sys.executable}\nimport sys, time\n{script}\n")
    demo.chmod(0o755)
    for name in ("bin/uv", "runtime"):
        (venv / name).touch()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("make", ["make", "-C", str(ROOT), "demo", f"VENV={venv}"])  # noqa: S606, S607
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 1024)
        except OSError:
            break
        shown += piece
        if interrupt and b"runs" in shown:
            os.write(terminal, b"\x03")
            interrupt = False
        if not piece:
            break
    os.close(terminal)
    return shown.decode(), os.waitpid(pid, 0)[1]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.filterwarnings("ignore:.*forkpty.*:DeprecationWarning")
def test_a_demo_that_ends_by_ctrl_c_is_no_error(tmp_path: Path) -> None:
    script = "try: print('runs', flush=True); time.sleep(60)\nexcept KeyboardInterrupt: print('stopped'); sys.exit(130)"
    shown, _ = make(tmp_path, script, interrupt=True)
    assert "stopped" in shown
    assert "Error" not in shown


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.filterwarnings("ignore:.*forkpty.*:DeprecationWarning")
def test_a_demo_that_fails_is_one(tmp_path: Path) -> None:
    shown, status = make(tmp_path, "sys.exit(1)", interrupt=False)
    assert "Error 1" in shown
    assert os.waitstatus_to_exitcode(status) == 2
