"""What is done to the line: each part of it killed as `kill -9` does, and brought back by its own command."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from bench.crash_line import Line, kill_group
from riskcontrol.errors import ServerError

_GONE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Kill:
    """One planned kill.

    Args:
        what: One of `KINDS`.
        after: Seconds into the run.
    """

    what: str
    after: float


def _stream(line: Line, which: str) -> None:
    """Kill the driver with its JVM, or either of them, which then takes the other with it; run the command again."""
    stream = line.stream
    if stream is None or stream.poll() is not None:
        raise ServerError("does not run", server="stream")
    line.being_killed.set()
    children = psutil.Process(stream.pid).children(recursive=True)
    if which == "jvm":
        for child in children:
            if child.name() == "java":
                child.kill()
    elif which == "python":
        stream.kill()
    else:
        kill_group(stream)
    stream.wait(_GONE_SECONDS)
    # What is left of it ends by itself, as nobody is there to talk to: the next one must get on with that.
    line.start_stream()
    _, left = psutil.wait_procs(children, _GONE_SECONDS)
    if left:
        for child in left:
            child.kill()
        raise ServerError(f"{len(left)} processes outlived it by {_GONE_SECONDS:g} s", server="stream")


def _worker(line: Line, chance: random.Random) -> str:
    """Kill one of the processes in which the executor runs our code, in the midst of a shard if it can be met there.

    Spark ends those that have had nothing to do for a minute.
    """
    deadline = time.monotonic() + _GONE_SECONDS
    while True:
        workers = _workers(line)
        busy = [worker for worker in workers if _holds_a_shard(worker)]
        late = time.monotonic() > deadline
        if busy or (late and workers):
            chance.choice(busy or workers).kill()
            return ""
        if late:
            return NO_WORKER
        line.pause(0.01)


def _workers(line: Line) -> list[psutil.Process]:
    """Return the stream's workers: forks of Spark's daemon, with its command line."""
    try:
        children = psutil.Process(line.stream.pid).children(recursive=True) if line.stream is not None else []
        daemons = {child.pid for child in children if _is_daemon(child)}
        return [child for child in children if child.pid in daemons and child.ppid() in daemons]
    except psutil.Error:
        return []  # one of them has just ended


def _holds_a_shard(worker: psutil.Process) -> bool:
    try:
        return any(Path(file.path).name == "lock" for file in worker.open_files())
    except psutil.Error:
        return False


def _is_daemon(process: psutil.Process) -> bool:
    try:
        return "spark.daemon" in process.cmdline()
    except psutil.Error:
        return False


def _producer(line: Line) -> str:
    """Kill `riskcontrol ingest`, or the next one where none runs; who waits for it runs it again."""
    while not line.played.is_set():
        if line.producer is not None and line.producer.poll() is None:
            kill_group(line.producer)
            return ""
        line.pause(0.01)
    return NO_PRODUCER


def _server(line: Line, name: str, away: float = 0.0) -> None:
    """Kill a server, and start it again, after a while."""
    process = line.server(name)
    process.kill()
    process.wait(_GONE_SECONDS)
    line.pause(away)
    line.up(name)


def _pause(line: Line, name: str, away: float) -> None:
    """Let a server stand still for a while: it holds its connections and answers nobody."""
    process = line.server(name)
    process.send_signal(signal.SIGSTOP)
    try:
        line.pause(away)
    finally:
        process.send_signal(signal.SIGCONT)


KINDS = (
    "driver",
    "driver's python",
    "driver's JVM",
    "worker",
    "producer",
    "kafka",
    "cassandra",
    "kafka away",
    "cassandra away",
    "kafka paused",
    "cassandra paused",
)
"""What can be killed. Away: killed, and started again after a while. Paused: stopped by SIGSTOP for a while."""

QUICK = KINDS[:7]
"""Those that are brought back at once."""


NO_PRODUCER = "nothing: the producer was done"
NO_WORKER = "nothing: the workers had ended, idle"


def act(what: str, line: Line, chance: random.Random, away: float) -> str:
    """Kill something and bring it back.

    Args:
        what: One of `KINDS`.
        line: Where.
        chance: Chooses among workers.
        away: Seconds for which a server is away or paused.

    Returns:
        What was killed, once it is back.

    Raises:
        ServerError: It wasn't there, or doesn't come back.
    """
    acts: dict[str, Callable[[Line], str | None]] = {
        "driver": partial(_stream, which="both"),
        "driver's python": partial(_stream, which="python"),
        "driver's JVM": partial(_stream, which="jvm"),
        "worker": partial(_worker, chance=chance),
        "producer": _producer,
        "kafka": partial(_server, name="kafka"),
        "cassandra": partial(_server, name="cassandra"),
        "kafka away": partial(_server, name="kafka", away=away),
        "cassandra away": partial(_server, name="cassandra", away=away),
        "kafka paused": partial(_pause, name="kafka", away=away),
        "cassandra paused": partial(_pause, name="cassandra", away=away),
    }
    return acts[what](line) or what


def planned(rounds: int, each: int, seconds: float, chance: random.Random, kinds: tuple[str, ...]) -> list[list[Kill]]:
    """Draw what is killed in each round, and when; every kind has its turn before one comes again.

    Args:
        rounds: How many rounds.
        each: Kills in a round.
        seconds: How long an undisturbed run takes.
        chance: Where the moments come from.
        kinds: Of `KINDS`.

    >>> plan = planned(2, 1, 9.0, random.Random(1), ("worker", "kafka"))
    >>> sorted(kill.what for kills in plan for kill in kills)
    ['kafka', 'worker']
    """
    deck: list[str] = []
    rows = []
    for _ in range(rounds):
        moments = sorted(chance.uniform(0.0, seconds) for _ in range(each))
        kills = []
        for moment in moments:
            if not deck:
                deck = chance.sample(kinds, len(kinds))
            kills.append(Kill(deck.pop(), moment))
        rows.append(kills)
    return rows
