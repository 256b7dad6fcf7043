"""`riskcontrol bench crash`: the same tape again and again, parts killed at random moments, the same rows each time."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bench import crash_dump
from bench.crash_kills import KINDS, Kill, act, planned
from bench.crash_line import Line
from bench.crash_tables import Told, progress, tell
from bench.crash_tape import LATECOMER, Tape, make
from database.session import clear, connect, init
from database.session import close as close_sessions
from database.writes import Writer
from ingestion.producer import publish_openings
from ingestion.topic import tape_id
from riskcontrol import servers
from riskcontrol.errors import InputError, RiskControlError, ServerError
from riskcontrol.settings import Settings, load
from riskcontrol.warm import compile_kernels
from spark.source import Tape as Offsets

__all__ = ["Options", "run", "tell"]

Result = TypeVar("Result")

_SESSION_SECONDS = 6.5 * 3_600


@dataclass(frozen=True, slots=True)
class Options:
    """What is run.

    Args:
        rounds: Runs with kills, after the undisturbed one.
        seed: Of tape, strategies, kills and their moments.
        kills: In a round.
        kinds: What may be killed, of `bench.crash_kills.KINDS`.
        away: Seconds for which a server is away or paused.
        tickers: Companies.
        trades: Trades of both days together.
        strategies: Open from the beginning.
        day_seconds: Wall seconds that the producer takes for a regular session.
        shards: Partitions of the tape.
    """

    rounds: int = 20
    seed: int = 1
    kills: int = 2
    kinds: tuple[str, ...] = KINDS
    away: float = 30.0
    tickers: int = 8
    trades: int = 40_000
    strategies: int = 400
    day_seconds: float = 8.0
    shards: int = 4


@dataclass(slots=True)
class Round:
    """What became of a round.

    Attributes:
        number: From 1; 0 is the undisturbed run.
        kills: What was killed: `what`, `seconds` into the run, `offset` (records that the state had taken), and
            `back_seconds` until it was back.
        rows: All rows; empty where the run came to no end.
        seconds: How long it took.
        played: How long of that the producer ran.
        differences: The first rows that differ.
        failure: Why it came to no end.
    """

    number: int
    kills: list[dict[str, object]] = field(default_factory=list)
    rows: crash_dump.Dump = field(default_factory=dict)
    seconds: float = 0.0
    played: float = 0.0
    differences: list[str] = field(default_factory=list)
    failure: str = ""

    @property
    def equal(self) -> bool:
        """Whether it left the same rows as the undisturbed run."""
        return not (self.differences or self.failure)


def run(options: Options, *, home: Path | None = None) -> dict[str, Any]:
    """Run the tape undisturbed, then in rounds with kills, and compare all rows.

    Args:
        options: What is run.
        home: Folder for everything, kept afterwards; without one, one that is removed.

    Returns:
        The result, as `--json` prints it.

    Raises:
        InputError: The tape can't be made, or the folder has been used.
        ServerError: The undisturbed run fails.
    """
    if home is not None and (home / "crash").exists():
        raise InputError("holds a crash test already, whose tape is there; name another --home", source=str(home))
    # Here rather than in the midst of a round, on two processors at once.
    compile_kernels()
    with progress(options.rounds) as told, _servers(home, options.shards, told) as settings:
        folder = settings.home / "crash"
        folder.mkdir()
        tape = make(
            folder, seed=options.seed, tickers=options.tickers, trades=options.trades, strategies=options.strategies
        )
        chance = random.Random(options.seed)
        first = _round(0, settings, tape, options, (), chance, told)
        if first.failure:
            raise ServerError(f"the undisturbed run failed: {first.failure}", server="stream")
        counts = crash_dump.counts(first.rows)
        told(f"undisturbed: {first.seconds:.1f} s, " + ", ".join(f"{n:,} {table}" for table, n in counts.items()))
        plan = planned(options.rounds, options.kills, first.played, chance, options.kinds)
        rounds = []
        for number, kills in enumerate(plan, 1):
            one = _round(number, settings, tape, options, kills, chance, told)
            if not one.failure:
                one.differences = crash_dump.differences(first.rows, one.rows)
            told(_line(one), done=True)
            rounds.append(one)
    return {
        "rounds": len(rounds),
        "equal": sum(one.equal for one in rounds),
        "seed": options.seed,
        "hash": crash_dump.fingerprint(first.rows),
        "rows": counts,
        "undisturbed_seconds": first.seconds,
        "each": [
            {
                "round": one.number,
                "equal": one.equal,
                "hash": crash_dump.fingerprint(one.rows),
                "seconds": one.seconds,
                "kills": one.kills,
                "differences": one.differences,
                "failure": one.failure,
            }
            for one in rounds
        ],
    }


@contextmanager
def _servers(home: Path | None, shards: int, told: Told) -> Iterator[Settings]:
    """Start Kafka and Cassandra in a folder of their own, and stop them at the end."""
    with ExitStack() as stack:
        if home is None:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="riskcontrol-crash-")))
        home = home.absolute()
        told("starting servers")
        stack.callback(servers.stop, home)
        stack.callback(close_sessions)
        servers.start(home, ("kafka", "cassandra"))
        own = {
            "kafka": "",
            "cassandra": "",
            "s3_endpoint": "",
            "home": home,
            "shards": shards,
            "replication": 1,
            "keyspace": "crash",
        }
        yield servers.resolve(load().model_copy(update=own))


def _round(
    number: int,
    settings: Settings,
    tape: Tape,
    options: Options,
    kills: Sequence[Kill],
    chance: random.Random,
    told: Told,
) -> Round:
    """Run the tape from its beginning to its end, on a topic and a state of its own, and on empty tables."""
    own = settings.model_copy(update={"topic": f"crash-{number:03d}"})
    line = Line(own, settings.home / "crash" / f"round-{number:03d}")
    one = Round(number)
    began = time.monotonic()
    try:
        if number:
            _patiently(line, lambda: clear(own))
        line.start_stream()
        if not number:  # it waits for its tables, and Spark starts meanwhile
            _patiently(line, lambda: init(own))
        publish_openings(own, tape.strategies)
        line.await_(lambda: line.offset() > 0, time.monotonic() + 120, "the first batch")
        with _Saboteur(line, kills, options.away, chance, one, told) as saboteur:
            started = time.monotonic()
            _play(line, tape, options)
            line.played.set()
            one.played = time.monotonic() - started
            saboteur.join()
        ends = _patiently(line, lambda: _ends(own))
        line.await_taken(lambda: _all_taken(own, ends))
        one.rows = _patiently(line, lambda: crash_dump.dump(own))
        crash_dump.write(one.rows, settings.home / "crash" / f"round-{number:03d}" / "rows.txt")
    except RiskControlError as error:
        one.failure = str(error)
    finally:
        line.close()
    one.seconds = time.monotonic() - began
    close_sessions()
    return one


def _patiently(line: Line, ask: Callable[[], Result]) -> Result:
    """Ask the database, and again where it doesn't answer in time: everything runs on one machine.

    Raises:
        ServerError: It doesn't answer five times in a row.
    """
    for _ in range(4):
        with suppress(ServerError):
            return ask()
        line.pause(1.0)
    return ask()


def _play(line: Line, tape: Tape, options: Options) -> None:
    """Send a day; open and stop strategies; send the next day, whose first trades come after a split."""
    pace = ("--speed", f"{_SESSION_SECONDS / options.day_seconds:g}", "--from", "09:30", "--splits", str(tape.splits))
    today, *others = (str(day) for day in tape.days)
    line.run("ingest", today, *pace, producer=True)
    stopped = tape.strategies[0]
    tickers = [part for ticker in tape.tickers for part in ("--ticker", ticker)]
    with ThreadPoolExecutor(1) as pool:
        # Both at once: which comes first is of no matter, as they are of different users.
        opening = pool.submit(line.run, "strategy", "open", str(tape.later), "--user", LATECOMER, *tickers, name="open")
        line.run("strategy", "stop", stopped.name, "--user", stopped.username, "--ticker", stopped.ticker, name="stop")
        opening.result()
    for day in others:
        line.run("ingest", day, *pace, producer=True)


class _Saboteur:
    """Kills what is planned, from another thread, while the tape is played.

    Args:
        line: What it works on.
        kills: In the order of their moments.
        away: Seconds for which a server is away or paused.
        chance: Chooses among workers.
        one: Takes note of what was done.
        told: Told what happens.
    """

    def __init__(
        self, line: Line, kills: Sequence[Kill], away: float, chance: random.Random, one: Round, told: Told
    ) -> None:
        self._line, self._kills, self._away, self._chance = line, kills, away, chance
        self._one, self._told = one, told
        self._failure: RiskControlError | None = None
        self._thread = threading.Thread(target=self._run, name="saboteur")

    def join(self) -> None:
        """Wait until all is done.

        Raises:
            ServerError: Something wasn't there, or did not come back.
        """
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> _Saboteur:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._line.stopping.set()
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        try:
            for kill in self._kills:
                self._line.pause(max(0.0, began + kill.after - time.monotonic()))
                at, offset = time.monotonic(), self._line.offset()
                self._told(f"round {self._one.number}: {kill.what} at {at - began:.1f} s, offset {offset:,}")
                what = act(kill.what, self._line, self._chance, self._away)
                self._one.kills.append(
                    {
                        "what": what,
                        "seconds": at - began,
                        "offset": offset,
                        "back_seconds": time.monotonic() - at,
                    }
                )
        except RiskControlError as error:
            self._failure = error


def _ends(settings: Settings) -> dict[int, int]:
    """Return where the tape ends, by shard."""
    with closing(Offsets(settings)) as offsets:
        return offsets.ends()


def _all_taken(settings: Settings, ends: Mapping[int, int]) -> bool:
    """Return whether the tables have everything up to these ends, as far as the server says."""
    try:
        marks = Writer(connect(settings)).watermarks(tape_id(settings))
    except ServerError:
        return False
    return all(marks.get(shard, 0) >= end for shard, end in ends.items())


def _line(one: Round) -> str:
    """Return a round as a line."""
    done = ", ".join(f"{kill['what']} at {kill['seconds']:.1f} s" for kill in one.kills)
    became = "equal" if one.equal else one.failure or "NOT EQUAL:\n" + "\n".join(one.differences)
    return f"round {one.number}: {done}: {became} ({one.seconds:.1f} s)"
