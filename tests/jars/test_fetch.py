"""What is fetched, what is refused: without Ivy."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jars import fetch, ivy, parts
from jars.parts import Part
from riskcontrol.errors import ServerError

from .conftest import JARS, SIZE, fill, jar


class Ivy:
    """Stands in for running Ivy: brings jars, says what it is told to say, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, brings: dict[str, bytes] | None = None, says: str = "") -> None:
        self.brings = JARS if brings is None else brings
        self.says = says
        self.asked: list[str] = []
        self.works: set[Path] = set()
        monkeypatch.setattr(ivy, "run", self._run)

    def _run(self, module: str, work: Path, *, poms: bool, stop: threading.Event, holds: tuple[int, ...] = ()) -> str:
        self.asked.append(module)
        self.works.add(work)
        for file, data in self.brings.items():
            pinned = jar(file, data)
            folder = work / "jars" / pinned.organisation / pinned.module / pinned.revision
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
        return self.says


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def add(part: Part, monkeypatch: pytest.MonkeyPatch) -> Part:
    """Make a second part, of the same jars."""
    other = Part("cassandra", (("org.example", "server", "3"),))
    monkeypatch.setitem(parts.PARTS, other.name, other)
    parts.write_lock(other, parts.read_lock(part).values())
    return other


def test_jars_that_are_there_need_no_network(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Ivy(monkeypatch)
    target = fill(fetch.folder(part))
    told: list[object] = []
    assert fetch.fetch("kafka", told.append) == target
    assert fetch.fetch_all(lambda *progress: told.append(progress)) == {"kafka": target}
    assert runner.asked == []
    assert told == []


def test_jars_are_fetched_once(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Ivy(monkeypatch)
    told: list[str] = []
    for _ in range(2):
        assert contents(fetch.fetch("kafka", told.append)) == JARS
    assert len(runner.asked) == 1
    assert told == ["Fetching broker-1 (2 jars)"]


def test_nothing_but_the_jars_and_a_lock_is_left_behind(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    Ivy(monkeypatch)
    target = fetch.fetch("kafka")
    assert {path.name for path in target.parent.iterdir()} == {"broker-1", "broker-1.lock"}


def test_all_parts_are_fetched_with_the_progress_of_all(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    Ivy(monkeypatch)
    other = add(part, monkeypatch)
    told: list[tuple[int, int]] = []
    folders = fetch.fetch_all(lambda *progress: told.append(progress))
    assert folders == {"kafka": fetch.folder(part), "cassandra": fetch.folder(other)}
    assert all(contents(folder) == JARS for folder in folders.values())
    assert told[-1] == (2 * SIZE, 2 * SIZE)


def test_progress_is_of_what_is_missing(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    Ivy(monkeypatch)
    fill(fetch.folder(add(part, monkeypatch)))
    told: list[tuple[int, int]] = []
    fetch.fetch_all(lambda *progress: told.append(progress))
    assert {total for _, total in told} == {SIZE}


def test_parts_fetched_at_the_same_time_do_not_disturb_each_other(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Ivy(monkeypatch)
    add(part, monkeypatch)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fetch.fetch, ["kafka", "cassandra"] * 2))
    assert len(runner.asked) == 2
    assert len(runner.works) == 2


@pytest.mark.parametrize(
    ("file", "data", "said"),
    [
        ("broker-1.jar", b"the brokeR", "broker-1.jar is altered"),
        ("broker-1.jar", b"", "broker-1.jar is altered"),
        ("broker-1.jar", None, "broker-1.jar is missing"),
        ("evil-1.jar", b"x", "evil-1.jar is not pinned"),
        ("evil-1.JAR", b"x", "evil-1.JAR is not pinned"),  # Java takes it too
    ],
)
def test_a_jar_that_is_not_the_pinned_one_is_refused(
    part: Part, monkeypatch: pytest.MonkeyPatch, file: str, data: bytes | None, said: str
) -> None:
    runner = Ivy(monkeypatch)
    target = fill(fetch.folder(part))
    if data is None:
        (target / file).unlink()
    else:
        (target / file).write_bytes(data)
    for call in (lambda: fetch.fetch("kafka"), fetch.fetch_all):
        with pytest.raises(ServerError, match=f"{said}.*remove {target} and run: riskcontrol jars"):
            call()
    assert runner.asked == []


def test_a_folder_or_dead_link_in_a_jars_place_is_refused(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    target = fill(fetch.folder(part))
    for replace in (Path.mkdir, lambda path: path.symlink_to("nowhere")):
        path = target / "broker-1.jar"
        path.unlink()
        replace(path)
        with pytest.raises(ServerError, match=r"broker-1\.jar is altered"):
            fetch.fetch("kafka")
        if path.is_dir():
            path.rmdir()
            path.touch()


@pytest.mark.parametrize(
    ("brings", "said"),
    [
        (JARS | {"broker-1.jar": b"another"}, r"broker-1\.jar came altered \(1 of 2 jars differ from kafka\.lock\)"),
        ({"broker-1.jar": b"the broker"}, r"logger-2-linux\.jar came missing"),
        (JARS | {"evil-1.jar": b"x"}, r"evil-1\.jar came not pinned"),
    ],
)
def test_a_download_that_is_not_what_was_pinned_does_not_reach_the_cache(
    part: Part, monkeypatch: pytest.MonkeyPatch, brings: dict[str, bytes], said: str
) -> None:
    runner = Ivy(monkeypatch, brings)
    with pytest.raises(ServerError, match=said):
        fetch.fetch("kafka")
    assert not fetch.folder(part).exists()
    runner.brings = JARS
    assert contents(fetch.fetch("kafka")) == JARS


def test_a_download_that_fails_says_why_and_can_be_tried_again(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Ivy(monkeypatch, says="the proxy says no")
    with pytest.raises(ServerError, match=r"(?s)broker-1 can't be fetched; .*the proxy says no"):
        fetch.fetch("kafka")
    assert len(runner.asked) == 3
    assert not fetch.folder(part).exists()
    runner.says = ""
    assert fetch.fetch("kafka") == fetch.folder(part)


def test_a_part_that_fails_is_told_while_another_succeeds(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    Ivy(monkeypatch)
    other = add(part, monkeypatch)
    parts.write_lock(other, [jar("server-3.jar", b"it never comes")])
    with pytest.raises(ServerError, match=r"^cassandra: .*server-3"):
        fetch.fetch_all()
    assert not fetch.folder(other).exists()


def test_a_cache_that_cannot_be_written_is_told(part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RISKCONTROL_JARS", str(tmp_path / "file" / "cache"))
    with pytest.raises(ServerError, match=r"can't be kept .*RISKCONTROL_JARS names another folder"):
        fetch.fetch("kafka")


def test_the_cache_is_in_the_checkout_or_the_users(part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RISKCONTROL_JARS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "users"))
    here = tmp_path / "checkout" / "jars"
    here.mkdir(parents=True)
    monkeypatch.setattr(parts, "HERE", here)
    assert fetch.cache() == tmp_path / "users" / "riskcontrol" / "jars"
    (tmp_path / "checkout" / "pyproject.toml").touch()
    assert fetch.cache() == here / ".cache"
