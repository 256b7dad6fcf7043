"""The driver's hold on the row writer (`spark.drain`), a process of its own."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from riskcontrol.settings import Settings
from spark.drain import request
from spark.spool import Waiting, waiting

log = logging.getLogger("riskcontrol.stream")


class RowWriter:
    """Keeps a row writer running and tells it when there may be rows.

    Args:
        settings: Resolved: with the address of the database.
        state: Folder of the shards' state.
        tape: Id of the tape.
    """

    def __init__(self, settings: Settings, state: Path, tape: str) -> None:
        self._request = request(settings, state, tape)
        self._state = state
        self._failure = ""
        self._process = self._started()

    @property
    def failure(self) -> str:
        """Why the database did not take rows the last time, or nothing."""
        return self._failure

    def waiting(self) -> Waiting:
        """Return what waits to be written."""
        return waiting(self._state)

    def tell(self, **batch: object) -> None:
        """Tell it what a batch did, and that there may be rows; start it again if it has died.

        Args:
            batch: The batch's row (`database.writes.Writer.batch`), its time as ISO text; nothing for none.
        """
        if self._process.poll() is not None:
            log.warning("the row writer has ended (status %s); another one goes on", self._process.returncode)
            self._let_go()
            self._process = self._started()
        self._say(json.dumps(batch) if batch else "")

    def close(self, seconds: float) -> Waiting:
        """Let it write what is there, end it, and return what waits after all.

        Args:
            seconds: How long it may take; what isn't written then is by the next one.
        """
        self._let_go()
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        return self.waiting()

    def _started(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "spark.drain"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C is for the stream, which ends us when it is done.
            start_new_session=True,
        )
        assert process.stdin is not None  # noqa: S101  narrows the type
        # A line is shorter than what a pipe takes at once: all of it goes, or nothing.
        os.set_blocking(process.stdin.fileno(), False)
        self._process = process
        self._say(self._request)
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        return process

    def _let_go(self) -> None:
        """End its input."""
        assert self._process.stdin is not None  # noqa: S101  narrows the type
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101  narrows the type
        try:
            os.write(self._process.stdin.fileno(), f"{line}\n".encode())
        except BrokenPipeError:
            pass  # it has died: the next batch starts another one
        except BlockingIOError:
            pass  # it has not read for hundreds of batches; the rows are in the spools

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101  narrows the type
        with process.stdout:
            for line in process.stdout:
                failure = json.loads(line).get("failure", "")
                if failure and failure != self._failure:
                    log.warning("rows wait: %s", failure)
                self._failure = failure
