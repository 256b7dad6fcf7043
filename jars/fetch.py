"""Fetches the pinned JVM parts and checks every file.

What is in the cache and fits the lock file is used as it is, without a network; what does not fit is an error, never
run. A part appears in the cache complete and checked, or not at all. A fetch that was broken off goes on where it was:
the jars that came are kept in a folder beside the part's, until all are there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from jars import ivy, parts
from jars.parts import PARTS, Jar, Part, read_lock, write_lock
from riskcontrol.errors import ServerError

__all__ = ["PARTS", "Progress", "fetch", "fetch_all", "folder", "relock"]

Progress = Callable[[int, int], None]
"""Told how many bytes are there, and of how many."""

_TRIES = 3
"""Ivy is asked again when a download breaks; what it has already it keeps."""

_LOOK_SECONDS = 0.2
"""How often progress is told, and a lock that another process holds is tried."""


def cache() -> Path:
    """Return where the parts' folders are.

    `RISKCONTROL_JARS` comes first, then `.cache` beside this file in a checkout (or wherever it is filled already),
    then, for an installed package, the user's cache.
    """
    if given := os.environ.get("RISKCONTROL_JARS"):
        return Path(given).absolute()
    beside = parts.HERE / ".cache"
    checkout = (parts.HERE.parent / "pyproject.toml").is_file()
    if beside.is_dir() or (checkout and os.access(parts.HERE, os.W_OK)):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "riskcontrol" / "jars"


def folder(part: Part) -> Path:
    """Return where the part's jars are kept."""
    return cache() / part.title


def fetch(name: str, on_event: Callable[[str], None] | None = None) -> Path:
    """Return the folder with the part's jars, fetching it if it isn't there.

    Args:
        name: "kafka" or "cassandra".
        on_event: Told what happens.

    Raises:
        ServerError: It can't be fetched, or a jar isn't the one that was pinned.
    """
    return _provide([PARTS[name]], on_event, None)[name]


def fetch_all(on_progress: Progress | None = None) -> dict[str, Path]:
    """Return the folders with all parts' jars by name, fetching those that aren't there, all at the same time.

    Args:
        on_progress: Told several times a second how far the download is, and at its end; what it raises ends the
            download. Not called if there is nothing to download.

    Raises:
        ServerError: One can't be fetched, or a jar isn't the one that was pinned.
    """
    return _provide(list(PARTS.values()), None, on_progress)


def relock(name: str) -> int:
    """Pin what a part's modules need now, as the repository describes them, and return how many jars that is.

    Raises:
        ServerError: They can't be resolved or fetched.
    """
    part = PARTS[name]
    with tempfile.TemporaryDirectory(prefix="riskcontrol-relock-") as work:
        if said := ivy.run(ivy.needed(part), Path(work), poms=True, stop=threading.Event()):
            raise ServerError(f"{part.title} can't be resolved:\n{said}", server=name)
        jars = [
            Jar(_digest(path), path.stat().st_size, *module, path.name)
            for path, module in ivy.fetched(Path(work)).items()
        ]
    write_lock(part, jars)
    return len(jars)


def _provide(
    wanted: Sequence[Part], on_event: Callable[[str], None] | None, on_progress: Progress | None
) -> dict[str, Path]:
    """Return the parts' folders, present and checked."""
    pinned = {part: read_lock(part) for part in wanted}
    missing = {part: jars for part, jars in pinned.items() if not folder(part).is_dir()}
    if missing:
        if on_event is not None:
            for part, jars in missing.items():
                on_event(f"Fetching {part.title} ({len(jars)} jars)")
        _download_all(missing, on_progress or (lambda _done, _total: None))
    for part, jars in pinned.items():
        check(part, jars, folder(part))
    return {part.name: folder(part) for part in wanted}


def check(part: Part, pinned: Mapping[str, Jar], target: Path) -> None:
    """Compare a folder with the pinned list.

    Raises:
        ServerError: They differ; the message names the first jar.
    """
    wrong = _differences(pinned, target)
    for file, state in wrong.items():
        raise ServerError(
            f"{target / file} is {state} ({len(wrong)} of {len(pinned)} jars differ from {part.lock.name}); "
            f"remove {target} and run: riskcontrol jars",
            server=part.name,
        )


def _differences(pinned: Mapping[str, Jar], target: Path) -> dict[str, str]:
    """Return the jars of a folder that aren't as pinned, in the order of their names, with what is wrong."""
    # Java takes a .JAR from a folder as well.
    paths = [path for path in target.iterdir() if path.suffix.lower() == ".jar"]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = dict(zip((path.name for path in paths), pool.map(_digest, paths), strict=True))
    wrong = {}
    for file in sorted(pinned.keys() | found.keys()):
        if file not in found:
            wrong[file] = "missing"
        elif file not in pinned:
            wrong[file] = "not pinned"
        elif found[file] != pinned[file].sha256:
            wrong[file] = "altered"
    return wrong


def _digest(path: Path) -> str:
    if not path.is_file():
        return "none"  # a folder, or a link to nothing
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download_all(missing: Mapping[Part, dict[str, Jar]], on_progress: Progress) -> None:
    """Download parts at the same time; when this returns or raises, nothing runs any more."""
    sizes = {part: sum(jar.size for jar in jars.values()) for part, jars in missing.items()}
    total = sum(sizes.values())
    stop = threading.Event()
    with ThreadPoolExecutor(len(missing)) as pool:
        downloads = [pool.submit(_download, part, jars, stop) for part, jars in missing.items()]
        try:
            while True:
                done, running = wait(downloads, _LOOK_SECONDS, FIRST_EXCEPTION)
                for download in done:
                    download.result()  # raises what went wrong, if it did
                if not running:
                    break
                on_progress(sum(_bytes_there(part, size) for part, size in sizes.items()), total)
        finally:
            stop.set()
    on_progress(total, total)


def _bytes_there(part: Part, size: int) -> int:
    return size if folder(part).is_dir() else min(size, ivy.bytes_there(_work(part)))


def _work(part: Part) -> Path:
    """Return the folder in which a part is fetched."""
    return folder(part).with_name(f"fetching-{part.title}")


def _download(part: Part, pinned: Mapping[str, Jar], stop: threading.Event) -> None:
    """Download a part, unless another process does so first."""
    target, work = folder(part), _work(part)
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target, stop) as lock:
            if target.is_dir() or stop.is_set():
                return
            work.mkdir(exist_ok=True)
            said = ""
            for _ in range(_TRIES):
                # Ivy holds the lock too: if this process is killed, the next one waits until that Ivy has ended.
                said = ivy.run(ivy.pinned(part, pinned.values()), work, poms=False, stop=stop, holds=(lock,))
                said = said or _accept(part, pinned, work, target)
                if not said or stop.is_set():
                    return
        raise ServerError(
            f"{part.title} can't be fetched; what came is kept, so try again:\n{said}\nMore is in {work / 'ivy.log'}",
            server=part.name,
        )
    except OSError as error:
        raise ServerError(
            f"{part.title} can't be kept ({error}); RISKCONTROL_JARS names another folder", server=part.name
        ) from error


def _accept(part: Part, pinned: Mapping[str, Jar], work: Path, target: Path) -> str:
    """Make what came the part's folder, if it is what was pinned; else forget what isn't, and return what that is."""
    flat = work / "flat"
    shutil.rmtree(flat, ignore_errors=True)
    flat.mkdir()
    for path in ivy.fetched(work):
        path.replace(flat / path.name)
    wrong = _differences(pinned, flat)
    if not wrong:
        flat.replace(target)
        shutil.rmtree(work, ignore_errors=True)  # Ivy's own copy
        return ""
    for file in wrong:
        ivy.forget(work, file)
    file, state = next(iter(wrong.items()))
    return (
        f"{file} came {state} ({len(wrong)} of {len(pinned)} jars differ from {part.lock.name}), and is not kept; "
        "look at the mirror or proxy that it came through"
    )


@contextmanager
def _alone(target: Path, stop: threading.Event) -> Iterator[int]:
    """Keep other processes, and threads, from fetching the same part meanwhile; give the lock's file descriptor.

    When `stop` is set, waiting ends without the lock.
    """
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if stop.wait(_LOOK_SECONDS):
                    break
            else:
                break
        yield lock.fileno()
