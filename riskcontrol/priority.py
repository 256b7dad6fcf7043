"""Letting others go first: a process whose work nobody waits for takes what they leave of the processor."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def give_way(pid: int, nice: int) -> None:
    """Lower the priority of a process, with all of its threads, on this machine.

    Where Linux groups processes by their session (sched(7), "The autogroup feature"), a process's own nice value counts
    only within its group, so the group gets it as well: for a process that leads a session of its own. What the system
    refuses stays as it is; priorities change how quick something is, never what it does.

    Args:
        pid: Which; one of ours.
        nice: From 0, as usual, to 19, whatever nobody else wants.
    """
    group = Path(f"/proc/{pid}/autogroup")
    with suppress(OSError, ValueError):
        if int(group.read_text().split()[-1]) < nice:
            group.write_text(str(nice))
    tasks = Path(f"/proc/{pid}/task")
    threads = [int(thread.name) for thread in tasks.iterdir()] if tasks.is_dir() else [pid]
    for thread in threads:
        with suppress(OSError):  # it has ended meanwhile
            os.setpriority(os.PRIO_PROCESS, thread, max(nice, os.getpriority(os.PRIO_PROCESS, thread)))
