"""Fetching with the real Ivy, from a Maven repository on loopback that fails as it is told to."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jars import fetch, ivy, parts
from jars.parts import Part
from riskcontrol.errors import ServerError

from .conftest import jar

FILES = {f"module{number}-1.jar": bytes([number]) * 50_000 for number in range(4)} | {
    "native-2-linux-x86_64.jar": b"x" * 50_000,
    "native-2.jar": b"y" * 50_000,
}

# Fetches as another process; it prints the folder.
SCRIPT = """
import sys
from pathlib import Path
from jars import fetch, parts
parts.HERE = Path(sys.argv[1])
parts.PARTS = fetch.PARTS = {"kafka": parts.Part("kafka", (("org.example", "module0", "1"),))}
print(fetch.fetch_all()["kafka"])
"""


class Repository(ThreadingHTTPServer):
    """Serves FILES, counting how often each was sent whole."""

    daemon_threads = True

    def __init__(self) -> None:
        self.files = dict(FILES)
        self.sent: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.broken = 0
        """How many jars at most are sent whole; those after them break off. 0 is no limit."""
        self.held_back = ""
        """A jar that is sent half, and the rest when `release` is set."""
        self.release = threading.Event()
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        """Its address, for RISKCONTROL_MAVEN."""
        return f"http://127.0.0.1:{self.server_port}/maven"


class _Answer(BaseHTTPRequestHandler):
    server: Repository

    def do_HEAD(self) -> None:
        self._start()

    def do_GET(self) -> None:
        if (data := self._start()) is None:
            return
        file = self.path.rpartition("/")[2]
        self.server.asked[file] += 1
        self.wfile.write(data[:25_000])
        self.wfile.flush()
        if self.server.broken and self.server.sent.total() >= self.server.broken:
            self.close_connection = True
            return
        if file == self.server.held_back:
            self.server.release.wait(60)
        self.wfile.write(data[25_000:])
        self.server.sent[file] += 1

    def _start(self) -> bytes | None:
        _, _, organisation, group, module, revision, file = self.path.split("/")
        data = self.server.files.get(file)
        right = (organisation, group) == ("org", "example") and file.startswith(f"{module}-{revision}")
        if data is None or not right:
            self.send_error(404)
            return None
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return data

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    with Repository() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        monkeypatch.setenv("RISKCONTROL_MAVEN", server.url)
        monkeypatch.setattr(ivy, "_trust", lambda _work: [])  # takes a while, and plain HTTP needs none
        yield server
        server.release.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def pinned(part: Part) -> Part:
    """A part of FILES."""
    part = Part("kafka", (("org.example", "module0", "1"),))
    parts.PARTS["kafka"] = part
    parts.write_lock(part, [jar(file, data) for file, data in FILES.items()])
    return part


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def elsewhere() -> subprocess.Popen[str]:
    """Fetch in another process."""
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(parts.HERE)], stdout=subprocess.PIPE, text=True)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def test_every_pinned_jar_comes_and_no_other_file_is_asked_for(pinned: Part, repository: Repository) -> None:
    told: list[tuple[int, int]] = []
    folders = fetch.fetch_all(lambda *progress: told.append(progress))
    assert contents(folders["kafka"]) == FILES
    assert repository.asked == Counter(list(FILES))
    assert told[-1] == (300_000, 300_000)


def test_a_fetch_that_was_broken_off_goes_on_where_it_was(pinned: Part, repository: Repository) -> None:
    repository.broken = 2
    with pytest.raises(ServerError, match="can't be fetched; what came is kept"):
        fetch.fetch("kafka")
    assert not fetch.folder(pinned).exists()
    assert repository.sent.total() == 2
    repository.broken = 0
    told: list[tuple[int, int]] = []
    folders = fetch.fetch_all(lambda *progress: told.append(progress))
    assert contents(folders["kafka"]) == FILES
    assert repository.sent == Counter(list(FILES))
    assert told[0][0] >= 100_000


def test_only_the_jar_that_came_altered_is_fetched_again(
    pinned: Part, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_TRIES", 1)
    repository.files["native-2-linux-x86_64.jar"] = b"z" * 50_000
    with pytest.raises(ServerError, match=r"native-2-linux-x86_64\.jar came altered \(1 of 6"):
        fetch.fetch("kafka")
    assert not fetch.folder(pinned).exists()
    repository.files = dict(FILES)
    assert contents(fetch.fetch("kafka")) == FILES
    assert repository.sent == Counter(list(FILES)) + Counter(["native-2-linux-x86_64.jar"])


def test_two_processes_at_once_fetch_each_jar_once(pinned: Part, repository: Repository) -> None:
    processes = [elsewhere(), elsewhere()]
    try:
        printed = [process.communicate(timeout=60)[0].strip() for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert printed == [str(fetch.folder(pinned))] * 2
    assert contents(fetch.folder(pinned)) == FILES
    assert repository.sent == Counter(list(FILES))


def test_after_kill_9_the_next_waits_for_the_ivy_that_was_left_and_goes_on(
    pinned: Part, repository: Repository
) -> None:
    repository.held_back = "module2-1.jar"
    with elsewhere() as process:
        until(lambda: repository.asked["module2-1.jar"] == 1)
        process.kill()
    told: list[int] = []

    def show(done: int, _: int) -> None:
        told.append(done)
        if len(told) >= 10 and done % 50_000:  # that of a jar in part; by now an Ivy of ours would have asked
            repository.release.set()

    assert contents(fetch.fetch_all(show)["kafka"]) == FILES
    assert repository.sent == Counter(list(FILES))
    assert told == sorted(told)


def test_bytes_are_counted_while_the_folder_is_made_and_removed(tmp_path: Path) -> None:
    def churn() -> None:
        for _ in range(50):
            for number in range(10):
                folder = tmp_path / "ivy" / str(number) / "jars"
                folder.mkdir(parents=True)
                (folder / "a-1.jar").write_bytes(b"x")
            shutil.rmtree(tmp_path / "ivy")

    thread = threading.Thread(target=churn)
    thread.start()
    while thread.is_alive():
        assert 0 <= ivy.bytes_there(tmp_path) <= 10
    thread.join()


def test_a_fetch_that_is_given_up_leaves_no_process(
    pinned: Part, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(ivy.subprocess, "Popen", Noted)
    repository.held_back = "module1-1.jar"

    def give_up(done: int, _: int) -> None:
        if repository.asked["module1-1.jar"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch.fetch_all(give_up)
    assert [process.returncode for process in started] == [-9]
    assert not fetch.folder(pinned).exists()


def test_relock_pins_what_the_modules_describe(pinned: Part, repository: Repository) -> None:
    repository.files["module0-1.pom"] = _pom("module0", "1", needs=("module1", "1"))
    repository.files["module1-1.pom"] = _pom("module1", "1")
    assert fetch.relock("kafka") == 2
    assert parts.read_lock(pinned) == {file: jar(file, FILES[file]) for file in ("module0-1.jar", "module1-1.jar")}


def _pom(module: str, revision: str, needs: tuple[str, str] | None = None) -> bytes:
    def coordinates(name: str, version: str) -> str:
        return f"<groupId>org.example</groupId><artifactId>{name}</artifactId><version>{version}</version>"

    dependency = f"<dependencies><dependency>{coordinates(*needs)}</dependency></dependencies>" if needs else ""
    return (
        f"<project><modelVersion>4.0.0</modelVersion>{coordinates(module, revision)}{dependency}</project>"
    ).encode()


def test_a_repository_that_does_not_answer_is_told_in_few_lines(
    pinned: Part, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKCONTROL_MAVEN", "http://127.0.0.1:1/maven")
    monkeypatch.setattr(fetch, "_TRIES", 1)
    with pytest.raises(ServerError, match="Connection refused") as raised:
        fetch.fetch("kafka")
    *_, last = lines = str(raised.value).splitlines()
    assert len(lines) <= 6
    assert "Connection refused" in Path(last.removeprefix("More is in ")).read_text()


def test_a_java_that_says_nothing_is_no_success(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ivy, "java", lambda: Path(shutil.which("false") or ""))
    with pytest.raises(ServerError, match="it ended with 1"):
        fetch.fetch("kafka")


def test_trust_that_holds_no_certificates_is_told(part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "company.pem"
    bundle.write_text("not a certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with pytest.raises(ServerError, match=r"company\.pem holds no certificates; look at SSL_CERT_FILE"):
        fetch.fetch("kafka")
