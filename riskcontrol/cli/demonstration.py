"""The demonstration: every real part on this machine, a day replayed through all of them.

Each run starts from nothing, in a folder of its own (HOME/demo); only the simulated day is kept from run to run.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from datetime import time as clock_time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from riskcontrol import servers
from riskcontrol.claim import claim
from riskcontrol.cli.background import in_background, wait
from riskcontrol.cli.compiling import COMPILING, is_compiled
from riskcontrol.cli.stream_steps import step_of
from riskcontrol.errors import ServerError
from riskcontrol.servers.holders import DEMO
from riskcontrol.servers.registry import Entry, Registry, end
from riskcontrol.servers.signals import undisturbed
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    import psutil

    from ingestion.ingest import Progress
    from ingestion.sources import Source
    from riskcontrol.rows import Openings


class Told(Protocol):
    """Is told how the start gets on."""

    def __call__(self, what: str, part: float | None, detail: str = "") -> None:
        """Take what is being done, which part of it is done (None where that isn't known), and more in words."""


DAY, NEXT_DAY = date(2024, 3, 5), date(2024, 3, 6)
TICKERS = 100
TRADES = 1_000_000
SEED = 1
BUCKET = "trades"
DEMO_PASSWORD = "paper money only"  # noqa: S105  known to everybody, and said to be
"""Of the demonstration's one account, which is that of the user worth looking at."""
CLOCK_FROM = clock_time(9, 29, 50)
"""The replay clock starts just before the session opens; what is before it is sent at once."""

_PARTS = {"stream": "the stream, which finishes its batch", "alerts": "the alerts", "dashboard": "the pages"}
"""The commands that are run, as people know them."""
_TABLES = ("cassandra", "keyspace")
"""Settings by which a command finds the demonstration's tables."""

_CHILD_SECONDS = 300
"""How long the pages may take to come up, and the stream waits for its servers: as long as those may take."""

_EMPTY = "empty-tables.cql"
"""The statements of the tables that the last run left, empty, for the next one."""

_OWN = {
    "kafka": "",
    "cassandra": "",
    "s3_endpoint": "",
    "topic": "tape",
    "keyspace": "riskcontrol",
    "shards": 4,
    "replication": 1,
}
"""Whatever else is set, the demonstration uses its own servers."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the demonstration shows.

    Args:
        trades: Trade files (path or s3://), or empty for a simulated day.
        users: How many users' strategies are opened.
        speed: Seconds of event time in a second; None: as fast as can be.
        port: The pages' port, 0 for a free one.
    """

    trades: str = ""
    users: int = 10_000
    speed: float | None = 60.0
    port: int = 8050


@dataclass(frozen=True, slots=True)
class Ready:
    """What a newcomer needs to know.

    Args:
        url: Where the pages are.
        username: A user whose strategy trades often.
        settings: With the addresses of the servers.
        sources: The days that will be replayed.
    """

    url: str
    username: str
    settings: Settings
    sources: list[Source]


class Demo:
    """Starts the parts in order and stops them again, whatever happens in between.

    Args:
        settings: Where its folder is (`home`), and S3 for trade files that are there.
        options: What it shows.
    """

    def __init__(self, settings: Settings, options: Options) -> None:
        self.home = settings.home / "demo"
        self.options = options
        self._outer = settings
        self._told: Told = _unheard
        self._registry = Registry(self.home)
        self._children: list[Entry] = []
        self._lock = threading.Lock()
        self._stopping = False
        self._alone: TextIO | None = None
        self._tables: Settings | None = None
        self._empty = self.home / _EMPTY

    def start(self, told: Told) -> Ready:
        """Start everything up to the point where trades can flow.

        Args:
            told: Told what happens; called from several threads.

        Raises:
            RiskControlError: A part can't be started; those started before are for `stop` to stop.
        """
        self._told = told
        self._alone = claim(self._outer.home / DEMO)
        if self._alone is None:
            raise ServerError(
                f"another one runs in {self.home}; stop it with Ctrl-C, or name another folder with --home",
                server="demo",
            )
        if self.options.trades:
            # Whoever names a file that isn't there is told before anything is started.
            self._find(self._outer)
        self._told("Clearing the last run", None)
        self._clear()
        from jars.fetch import fetch_all

        fetch_all(lambda done, total: self._told(f"Fetching Kafka and Cassandra ({total / 1e6:.0f} MB)", done / total))
        day = None if self.options.trades else in_background(self._simulated_day)
        own = self._outer.model_copy(update=_OWN | {"home": self.home})
        starting = "Starting Kafka, Cassandra, S3 and Spark"
        self._told(starting, None)
        if not is_compiled():
            self._told(COMPILING, None)
        # Spark takes longest: it starts beside the servers that it needs in the end.
        self._child(own, "stream", "--wait", str(_CHILD_SECONDS))
        servers.start(self.home, on_event=lambda text: self._told(starting, None, text))
        settings = servers.resolve(own)
        tables = in_background(lambda: self._make_tables(settings))
        dashboard = in_background(lambda: self._start_dashboard(settings))
        location, read_settings = self._location(settings, day)
        openings, sources = self._draw(location, read_settings)
        wait(tables)
        offsets = self._open(settings, openings)
        url = wait(dashboard)
        username = _busiest(openings)
        self._make_account(settings, username)
        self._await_open(settings, offsets)
        self._child(settings, "alerts", "run", fields=_TABLES)
        return Ready(url, username, settings, sources)

    def _find(self, settings: Settings) -> list[Source]:
        from ingestion.sources import find_sources

        return find_sources(self.options.trades, servers.resolve(settings))

    def replay(self, ready: Ready, show: Callable[[Progress], None], stop: threading.Event) -> None:
        """Send the day through.

        Raises:
            RiskControlError: The file can't be read or the broker not be reached.
        """
        from ingestion.ingest import ingest

        start = CLOCK_FROM if self.options.speed is not None else None
        ingest(ready.sources, ready.settings, speed=self.options.speed, start=start, on_progress=show, stop=stop)

    def check(self) -> None:
        """Look after the parts.

        Raises:
            ServerError: One has ended.
        """
        for child in self._children:
            if child.process() is None:
                raise _ended(child)

    def stop(self, say: Callable[[str], None]) -> bool:
        """Stop every process that was started, and return whether there was any; `say` gets a line for each step."""
        if self._alone is None:
            return False  # another demonstration has this folder; nothing in it is ours
        any_ran = False
        with self._lock:
            self._stopping = True
        # The stream first, so that it can finish its batch while the servers still answer.
        for child in reversed(self._children):
            process = child.process()
            if process is not None:
                any_ran = True
                say(f"Stopping {_PARTS[child.name]} ...")
                end(process)
                _end_orphans(child)
            self._registry.remove(child.name)
        self._leave_empty_tables(say)
        if servers.alive(self.home):
            any_ran = True
            say("Stopping the servers ...")
        servers.stop(self.home)
        self._alone.close()
        return any_ran

    def _clear(self) -> None:
        """Remove what the last run left behind, up to empty tables: making them anew takes seconds."""
        from database.session import schema

        servers.stop(self.home)
        for name in ("state", "kafka", "s3"):
            shutil.rmtree(self.home / name, ignore_errors=True)
        fit = self._empty.is_file() and self._empty.read_text() == "\n".join(schema(str(_OWN["keyspace"])))
        self._empty.unlink(missing_ok=True)
        if not fit:
            shutil.rmtree(self.home / "cassandra", ignore_errors=True)

    def _leave_empty_tables(self, say: Callable[[str], None]) -> None:
        """Empty the tables for the next run, and note down which they are; if it can't be done, it makes new ones."""
        from database import session

        if self._tables is not None and "cassandra" in servers.alive(self.home):
            say("Emptying the tables for the next start ...")
            with suppress(ServerError):
                session.clear(self._tables)
                self._empty.write_text("\n".join(session.schema(self._tables.keyspace)))
            session.close()

    def _simulated_day(self) -> Path:
        from ingestion.simulate import file_name, simulate_day

        path = self.home / "trades" / f"seed-{SEED}-{TICKERS}-{TRADES}" / file_name(DAY)
        if not path.exists():
            self._told("Simulating a trading day", 0.0)
            simulate_day(
                path,
                day=DAY,
                tickers=TICKERS,
                trades=TRADES,
                seed=SEED,
                progress=lambda done: self._told("Simulating a trading day", done / TRADES),
            )
        return path

    def _location(self, settings: Settings, day: Future[Path] | None) -> tuple[str, Settings]:
        """Return where the trade files are, and the settings to read them with."""
        if day is None:
            return self.options.trades, servers.resolve(self._outer)
        from ingestion.s3 import Address, client
        from ingestion.upload import destination, make_bucket, upload

        path = wait(day)
        s3 = client(settings)
        self._told("Putting the day into the bucket", None)
        make_bucket(s3, Address.of(f"s3://{BUCKET}/"), settings.s3_region)
        upload(s3, path, destination(f"s3://{BUCKET}/days/", path), lambda _: None)
        return f"s3://{BUCKET}/days/", settings

    def _draw(self, location: str, settings: Settings) -> tuple[Openings, list[Source]]:
        from database import frequencies, generator
        from ingestion.sources import find_sources

        if self.options.trades:

            def counted(name: str, read: int, size: int) -> None:
                self._told(f"Counting the trades of {name}", read / max(size, 1))

            shares = frequencies.from_location(location, settings, on_read=counted)
        else:
            shares = frequencies.simulated(TICKERS, SEED)
        return generator.draw(self.options.users, SEED, shares), find_sources(location, settings)

    def _await_open(self, settings: Settings, offsets: dict[int, int]) -> None:
        """Wait until the stream has opened the strategies: before that, a page has nothing to show."""
        from database.generator import wait_until_open
        from database.session import connect
        from database.writes import Writer
        from ingestion.topic import tape_id

        def alive() -> bool:
            self.check()
            return True

        count, users = sum(offsets.values()), self.options.users
        writer, tape = Writer(connect(settings)), tape_id(settings)
        wait_until_open(
            writer,
            tape,
            offsets,
            alive=alive,
            on_done=lambda done: self._told(
                # It is blocks that are counted, of a thousand strategies or fewer.
                "Waiting for the stream to open them",
                done / count,
                f"about {users * done // count:,} of {users:,} are open" + (f"; {self._step()}" if not done else ""),
            ),
        )

    def _step(self) -> str:
        """Return what the stream is at before the first strategies are open."""
        log = next(Path(child.log) for child in self._children if child.name == "stream")
        return step_of(log.read_text(errors="replace"))

    def _open(self, settings: Settings, openings: Openings) -> dict[int, int]:
        from database import generator
        from database.session import connect
        from database.writes import Writer

        count = len(openings)
        writer = Writer(connect(settings))
        generator.register(writer, openings, on_done=lambda done: self._told("Writing users", done / count))
        return generator.publish(
            settings, openings, on_done=lambda done: self._told("Sending their strategies to the tape", done / count)
        )

    def _make_account(self, settings: Settings, username: str) -> None:
        from database.accounts import AccountTables, accounts_over
        from database.session import connect

        self._told("Making an account", None)
        accounts = accounts_over(AccountTables(connect(settings)), settings)
        accounts.set_password(username, DEMO_PASSWORD, now=time.time())

    def _make_tables(self, settings: Settings) -> None:
        from database import session
        from ingestion.topic import ensure_topic

        self._told("Making the topic and the tables", None)
        ensure_topic(settings)
        session.init(settings)
        self._tables = settings

    def _start_dashboard(self, settings: Settings) -> str:
        said = () if self.options.trades else ("--simulated",)
        child = self._child(settings, "dashboard", "--port", str(self.options.port), *said)
        deadline = time.monotonic() + _CHILD_SECONDS
        while time.monotonic() < deadline:
            for line in Path(child.log).read_text(errors="replace").splitlines():
                if " is at http://" in line:
                    return line.split(" is at ")[1].split()[0]
            if child.process() is None:
                raise _ended(child)
            time.sleep(0.1)
        raise ServerError(f"does not come up; see {child.log}", server="dashboard")

    def _child(
        self, settings: Settings, name: str, *arguments: str, fields: Sequence[str] = ("kafka", "topic", *_TABLES)
    ) -> Entry:
        """Start one of our own commands with the demo's settings and note it down.

        Args:
            settings: The settings.
            name: The command.
            arguments: A command of its own first, where it has some; then options.
            fields: Settings that it takes as options.
        """
        flags = [f"--{field}={getattr(settings, field)}" for field in ("home", *fields)]
        with undisturbed(), self._lock:
            if self._stopping:
                raise ServerError("not started: the demonstration is stopping", server=name)
            entry = self._registry.launch(name, [sys.executable, "-u", "-m", "riskcontrol", name, *arguments, *flags])
            self._children.append(entry)
        return entry


def _unheard(what: str, part: float | None, detail: str = "") -> None:
    """Take what nobody asked to be told."""


def _busiest(openings: Openings) -> str:
    """Return the user most worth looking at: on the ticker with most users, with the narrowest levels."""
    import numpy as np

    _, place, counts = np.unique(openings.ticker, return_inverse=True, return_counts=True)
    width = openings.p0 + openings.p1
    width[place != int(np.argmax(counts))] = np.inf
    return str(openings.username[int(np.argmin(width))].decode())


def _end_orphans(child: Entry) -> None:
    """See to it that what a child had started has ended as well: Spark's JVM takes its time if it is just starting."""
    import psutil

    family = [process for process in psutil.process_iter() if _session_of(process) == child.pid]
    for process in psutil.wait_procs(family, timeout=1)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=5)


def _session_of(process: psutil.Process) -> int:
    """Return the id of a process's session, which is the pid of the child of ours that began it."""
    try:
        return os.getsid(process.pid)
    except OSError:
        return 0


def _ended(child: Entry) -> ServerError:
    return ServerError(f"has ended; the end of {child.log}:\n{_tail(child.log)}", server=child.name)


def _tail(log: str, lines: int = 15) -> str:
    return "\n".join(Path(log).read_text(errors="replace").splitlines()[-lines:])
