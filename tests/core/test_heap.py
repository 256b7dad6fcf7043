"""When a process looks for garbage, and what its memory is told before it serves."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest

from riskcontrol.heap import ARENAS

TRIED = """
import ctypes, gc, json, sys, tempfile, threading
from riskcontrol.heap import settle

if sys.argv[1] == "settled":
    settle()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
together = threading.Barrier(12)

def take():
    together.wait()
    libc.malloc(1_000)
    together.wait()

threads = [threading.Thread(target=take) for _ in range(12)]
for each in threads:
    each.start()
for each in threads:
    each.join()
with tempfile.NamedTemporaryFile() as told:
    file = libc.fopen(told.name.encode(), b"w")
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(json.dumps([told.read().count(b"<heap "), gc.get_freeze_count()]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are glibc's")
def test_threads_share_a_few_arenas_and_what_is_loaded_stays_out_of_collections() -> None:
    found = {}
    own = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    for how in ("plain", "settled"):
        done = subprocess.run([sys.executable, "-c", TRIED, how], env=own, capture_output=True, text=True, check=True)
        found[how] = json.loads(done.stdout)
    assert found["plain"][0] > ARENAS
    assert found["plain"][1] == 0
    assert found["settled"][0] <= ARENAS
    assert found["settled"][1] > 1_000


COMMAND = """
import atexit, gc, sys

atexit.register(lambda: print(gc.get_threshold()[0]))
from riskcontrol.cli import main

sys.argv = ["riskcontrol", "database", "--help"]
main()
"""


def test_a_command_looks_for_garbage_less_often_than_python_does() -> None:
    done = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) > 10_000
