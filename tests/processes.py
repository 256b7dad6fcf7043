"""Running the product's commands as a user does: in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from riskcontrol.settings import Settings

RISKCONTROL = (sys.executable, "-m", "riskcontrol")


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment in which a command has these settings."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    shown = {
        f"RISKCONTROL_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
    }
    return os.environ | shown


def run(settings: Settings, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*RISKCONTROL, *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Running:
    """A command that runs; leaving the context interrupts it as Ctrl-C does.

    Args:
        settings: Its settings.
        arguments: The command and its options.
    """

    def __init__(self, settings: Settings, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*RISKCONTROL, *arguments],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return "\n".join(self.lines)

    def wait_for(self, text: str, seconds: float = 90) -> None:
        """Wait until it has printed a text."""
        until(lambda: text in self.output or self.process.poll() is not None, seconds, lambda: self.output)
        assert text in self.output, self.output

    def interrupt(self, seconds: float = 60) -> int:
        """Press Ctrl-C and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(seconds)
        self._reader.join(5)
        return status

    def kill(self) -> None:
        """Kill it and all that it started, as `kill -9` does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.interrupt()
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()


def until(condition: Callable[[], object], seconds: float, told: Callable[[], str] = lambda: "") -> None:
    """Wait for a condition; a test that waits in vain fails with what `told` says."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {told()}"
        time.sleep(0.05)


def simulated_day(folder: Path, *, tickers: int, trades: int, seed: int = 1, day: str = "2024-03-05") -> Path:
    """Write a simulated day and return its file."""
    import datetime as dt

    from ingestion.simulate import simulate_day

    path = folder / f"EQY_US_ALL_TRADE_{day.replace('-', '')}.gz"
    simulate_day(path, day=dt.date.fromisoformat(day), tickers=tickers, trades=trades, seed=seed)
    return path
