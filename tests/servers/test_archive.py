"""Archives of classes: made once, used from then on, and never a reason for a JVM not to start."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from jars.fetch import PARTS, fetch, folder
from riskcontrol import servers
from riskcontrol.servers import archive
from riskcontrol.servers.kafka import kafka

# A Java that writes an archive of its own classes, never the same twice, and can do nothing else.
JAVA = """#!/bin/sh
for a in "$@"; do case "$a" in -XX:SharedArchiveFile=*) echo $$ > "${a#*=}";; esac; done
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RISKCONTROL_JARS", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def jars(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of jars, and a Java without classes of its own."""
    program = tmp_path / "java"
    program.write_text(JAVA)
    program.chmod(0o755)
    monkeypatch.setenv("RISKCONTROL_JAVA", str(program))
    found = tmp_path / "jars"
    found.mkdir()
    (found / "a.jar").write_text("a")
    return found


def named(jars: Path, name: str = "kafka", *flags: str) -> Path:
    """Return the archive that would be made."""
    _, made = archive.options(name, jars, flags)
    assert made is not None
    return made


def test_the_first_jvm_is_asked_for_an_archive_and_the_next_one_uses_it(jars: Path, cache: Path) -> None:
    given, made = archive.options("kafka", jars, ["-XX:+UseG1GC"])
    assert made is not None
    assert made.parent == cache / "classes"
    assert "-XX:+RecordDynamicDumpInfo" in given
    with FakeJvm(lambda path: write(path, "classes")):
        archive.keep(os.getpid(), made)
    (kept,) = made.parent.glob("kafka-*")
    assert archive.options("kafka", jars, ["-XX:+UseG1GC"]) == (
        ["-Xlog:cds*=off", f"-XX:SharedArchiveFile={kept}"],
        None,
    )


@pytest.mark.parametrize("content", ["", "class", "closses", "classes!"])
@pytest.mark.parametrize("kind", ["kafka", "java"])
def test_a_damaged_archive_is_made_anew(jars: Path, content: str, kind: str) -> None:
    made = named(jars)
    with FakeJvm(lambda path: write(path, "classes")):
        archive.keep(os.getpid(), made)
    (kept,) = made.parent.glob(f"{kind}-*")
    kept.write_text(content)
    _, again = archive.options("kafka", jars, [])
    assert again is not None
    assert (again == made) == (kind == "kafka")  # what rests on other classes is another one
    assert not kept.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda jars: (jars / "a.jar").write_text("aa"),
        lambda jars: os.utime(jars / "a.jar", (0, 0)),
        lambda jars: (jars / "b.jar").write_text("b"),
        lambda jars: (jars.parent / "java").write_text(JAVA + "\n"),
    ],
    ids=["altered", "touched", "added", "java"],
)
def test_other_jars_or_another_java_need_another_archive(jars: Path, change: Callable[[Path], object]) -> None:
    before = named(jars)
    change(jars)
    assert named(jars) != before


def test_another_name_or_other_options_need_another_archive(jars: Path) -> None:
    assert len({named(jars), named(jars, "cassandra"), named(jars, "kafka", "-XX:+UseSerialGC")}) == 3


def test_starts_at_the_same_time_rest_on_the_same_classes(jars: Path, cache: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: named(jars), range(32)))) == 1
    assert len(list((cache / "classes").glob("java-*"))) == 1


@pytest.mark.parametrize("java", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\n"])
def test_a_java_that_makes_no_archive_starts_without(jars: Path, java: str) -> None:
    (jars.parent / "java").write_text(java)
    assert archive.options("kafka", jars, []) == ([], None)


def test_a_cache_that_takes_nothing_is_no_reason_not_to_start(jars: Path, cache: Path) -> None:
    cache.mkdir()
    (cache / "classes").write_text("not a folder")
    assert archive.options("kafka", jars, []) == ([], None)


class FakeJvm:
    """Takes one command as a JVM does, under our own process id."""

    def __init__(self, act: Callable[[Path], None], answer: bytes = b"0\nSuccess\n") -> None:
        self._act = act
        self._answer = answer
        self._path = archive.listener(os.getpid())
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self._path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._socket.close()
        self._path.unlink()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            version, jcmd, command = connection.recv(4096).split(b"\0")[:3]
            assert (version, jcmd) == (b"1", b"jcmd")
            self._act(Path(command.decode().partition('"')[2].removesuffix('"')))
            with suppress(OSError):  # who asked may have given up
                connection.sendall(self._answer)


def write(path: Path, text: str) -> None:
    path.write_text(text)


def test_what_a_jvm_has_written_is_kept_and_only_the_newest_of_its_kind(tmp_path: Path) -> None:
    others = [tmp_path / f"kafka-{number}.jsa" for number in range(6)] + [tmp_path / "cassandra-0.jsa"]
    for number, other in enumerate(others):
        other.touch()
        os.utime(other, (number, number))
    with FakeJvm(lambda path: write(path, "classes")):
        archive.keep(os.getpid(), tmp_path / "kafka-new")
    (kept,) = tmp_path.glob("kafka-new-*.jsa")
    assert kept.read_text() == "classes"
    assert set(tmp_path.iterdir()) == {kept, *others[3:]}


@pytest.mark.parametrize("answer", [b"", b"1\nNo memory\n"], ids=["killed", "refused"])
def test_half_an_archive_is_not_kept(tmp_path: Path, answer: bytes) -> None:
    with FakeJvm(lambda path: write(path, "half of it"), answer):
        archive.keep(os.getpid(), tmp_path / "kafka-new")
    assert list(tmp_path.iterdir()) == []


def test_a_jvm_that_writes_nothing_leaves_nothing(tmp_path: Path) -> None:
    with FakeJvm(lambda _: None):
        archive.keep(os.getpid(), tmp_path / "kafka-new")
    archive.keep(os.getpid(), tmp_path / "kafka-new")  # nobody listens now
    assert list(tmp_path.iterdir()) == []


def test_a_jvm_that_does_not_finish_is_not_waited_for_once_the_start_is_given_up(tmp_path: Path) -> None:
    cancelled, done = threading.Event(), threading.Event()

    def hang(path: Path) -> None:
        path.write_text("half")
        cancelled.set()
        assert done.wait(30)

    with FakeJvm(hang):
        archive.keep(os.getpid(), tmp_path / "kafka-new", cancelled)
        done.set()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    servers.stop(tmp_path / "home")


@pytest.fixture
def real(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with Kafka's jars and no archives."""
    with monkeypatch.context() as usual:
        usual.delenv("RISKCONTROL_JARS")
        jars = fetch("kafka")
    cache.mkdir()
    folder(PARTS["kafka"]).symlink_to(jars)
    return cache


def classes(log: Path) -> tuple[int, int]:
    """Return how many classes JVMs have loaded, and how many of them from an archive beyond Java's own."""
    lines = [line for path in log.parent.glob(f"{log.name}*") for line in path.read_text().splitlines()]
    return len(lines), sum("shared objects file (top)" in line for line in lines)


@pytest.mark.servers
@pytest.mark.usefixtures("short_lived")
def test_kafka_starts_from_its_archive_and_is_given_none_that_is_damaged(
    home: Path, real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(log: str) -> tuple[int, int]:
        monkeypatch.setenv("JDK_JAVA_OPTIONS", f"-Xlog:class+load:file={tmp_path / log}")
        servers.start(home, ["kafka"])
        servers.stop(home)
        return classes(tmp_path / log)

    assert start("first")[1] == 0
    (made,) = (real / "classes").glob("kafka-*")
    assert f"-XX:SharedArchiveFile={made}" in kafka(home).command
    loaded, shared = start("second")
    assert shared > loaded / 3
    assert list((real / "classes").glob("kafka-*")) == [made]
    made.chmod(0o644)
    os.truncate(made, made.stat().st_size // 2)  # a JVM that took it would crash
    again = kafka(home)
    assert "-XX:+RecordDynamicDumpInfo" in again.command, "the next one is not asked for another"
    assert again.archive is not None
    assert not made.exists()


STREAM = """
import sys, time
from pathlib import Path
import spark.context as spark
spark._SETTLED_SECONDS = 0.1
context = spark.spark_context("local[1]", Path(sys.argv[1]), "512m")
folder, deadline = Path(sys.argv[2]), time.monotonic() + 100
while not list(folder.glob("spark-*.jsa")) and time.monotonic() < deadline:
    time.sleep(0.1)
# Of the JVM alone: with workers in Python the other tests have it, and these take as long to start as all else.
assert context._jsc.parallelize([1, 2], 1).count() == 2
context.stop()
"""


@pytest.mark.servers
def test_sparks_jvm_starts_from_its_archive_and_says_nothing_of_it(cache: Path, tmp_path: Path) -> None:
    for number in range(2):
        log = tmp_path / f"classes{number}-"
        said = subprocess.run(
            [sys.executable, "-c", STREAM, tmp_path / "a home", cache / "classes"],
            env=os.environ | {"JDK_JAVA_OPTIONS": f"-Xlog:class+load:file={log}%p"},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        assert said == b""
        loaded, shared = classes(log)
        assert (shared > loaded / 3) == (number == 1)
