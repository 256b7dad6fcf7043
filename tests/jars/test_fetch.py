import dataclasses
import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jars import fetch
from riskcontrol.errors import ServerError

JARS = {"broker-1.jar": b"the broker", "logger-2.jar": b"its logger"}


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fetch.Part:
    """A part of two jars with a lock file; nothing is in its cache, and Ivy can't be run."""
    monkeypatch.setattr(fetch, "HERE", tmp_path)
    part = fetch.Part("kafka", "org.example", "broker", "1")
    monkeypatch.setitem(fetch.PARTS, "kafka", part)
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in JARS.items()]
    part.lock.write_text("# comment\n" + "\n".join(lines) + "\n")
    return part


def fill(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, data in JARS.items():
        (folder / name).write_bytes(data)
    return folder


class Ivy:
    """Stands in for running Ivy: copies jars, says what it is told to say, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, jars: Path | None = None, says: str = "") -> None:
        self.runs = 0
        self.asked: list[tuple[str, ...]] = []
        self.caches: set[str] = set()
        self._jars, self._says = jars, says
        monkeypatch.setattr(fetch.subprocess, "run", self._run)
        monkeypatch.setattr(fetch, "_trust", lambda _work: [])

    def _run(self, command: list[str], **_: object) -> fetch.subprocess.CompletedProcess[str]:
        self.runs += 1
        module = command.index("-dependency") + 1
        self.asked.append(tuple(command[module : module + 3]))
        self.caches.add(command[command.index("-cache") + 1])
        if self._jars is not None:
            target = Path(command[command.index("-retrieve") + 1]).parent
            shutil.copytree(self._jars, target, dirs_exist_ok=True)
        return fetch.subprocess.CompletedProcess(command, 0, stdout=self._says)


def test_jars_that_are_there_need_no_network(part: fetch.Part, monkeypatch: pytest.MonkeyPatch) -> None:
    ivy = Ivy(monkeypatch)
    target = fill(fetch.folder(part))
    assert fetch.fetch("kafka") == target
    assert ivy.runs == 0


def test_jars_are_fetched_once(part: fetch.Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ivy = Ivy(monkeypatch, fill(tmp_path / "repository"))
    told: list[str] = []
    for _ in range(2):
        target = fetch.fetch("kafka", told.append)
        assert {path.name: path.read_bytes() for path in target.iterdir()} == JARS
    assert ivy.runs == 1
    assert told == ["Fetching broker 1 (2 jars)"]


def test_modules_that_a_part_does_not_name_are_fetched_with_it(
    part: fetch.Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ivy = Ivy(monkeypatch, fill(tmp_path / "repository"))
    monkeypatch.setitem(fetch.PARTS, "kafka", dataclasses.replace(part, also=(("org.example", "logger", "2"),)))
    fetch.fetch("kafka")
    assert ivy.asked == [("org.example", "broker", "1"), ("org.example", "logger", "2")]


def test_parts_fetched_at_the_same_time_do_not_disturb_each_other(
    part: fetch.Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ivy = Ivy(monkeypatch, fill(tmp_path / "repository"))
    other = dataclasses.replace(part, name="cassandra", artifact="server")
    monkeypatch.setitem(fetch.PARTS, "cassandra", other)
    shutil.copy(part.lock, other.lock)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fetch.fetch, ["kafka", "cassandra"] * 2))
    assert ivy.runs == 2
    assert len(ivy.caches) == 2


@pytest.mark.parametrize(
    ("file", "data", "said"),
    [
        ("broker-1.jar", b"the brokeR", "broker-1.jar is altered"),
        ("broker-1.jar", b"", "broker-1.jar is altered"),
        ("broker-1.jar", None, "broker-1.jar is missing"),
        ("evil-1.jar", b"x", "evil-1.jar is not pinned"),
    ],
)
def test_a_jar_that_is_not_the_pinned_one_is_refused(
    part: fetch.Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, data: bytes | None, said: str
) -> None:
    Ivy(monkeypatch)
    target = fill(fetch.folder(part))
    if data is None:
        (target / file).unlink()
    else:
        (target / file).write_bytes(data)
    with pytest.raises(ServerError, match=f"{said}.*remove .* and run: riskcontrol jars"):
        fetch.fetch("kafka")


def test_a_download_that_is_not_what_was_pinned_does_not_reach_the_cache(
    part: fetch.Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = fill(tmp_path / "repository")
    (repository / "logger-2.jar").write_bytes(b"another logger")
    Ivy(monkeypatch, repository)
    with pytest.raises(ServerError, match=r"logger-2\.jar is altered"):
        fetch.fetch("kafka")
    assert not fetch.folder(part).exists()


def test_a_download_that_fails_says_why_and_can_be_tried_again(
    part: fetch.Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ivy = Ivy(monkeypatch, says="UNRESOLVED DEPENDENCIES\nthe proxy says no")
    with pytest.raises(ServerError, match="the proxy says no"):
        fetch.fetch("kafka")
    assert ivy.runs == 3
    assert not fetch.folder(part).exists()
    Ivy(monkeypatch, fill(tmp_path / "repository"))
    assert fetch.fetch("kafka") == fetch.folder(part)


@pytest.mark.parametrize("name", ["kafka", "cassandra"])
def test_the_lock_pins_every_jar_by_sha256(name: str) -> None:
    pinned = fetch.read_lock(fetch.PARTS[name])
    part = fetch.PARTS[name]
    assert f"{part.artifact}-{part.version}.jar" in pinned
    assert all(jar.endswith(".jar") and len(digest) == 64 for jar, digest in pinned.items())
