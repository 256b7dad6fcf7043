"""The lock files."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jars import parts
from jars.parts import Jar, Part
from riskcontrol.errors import ServerError

from .conftest import jar

WORDS = st.tuples(st.text("ab1_.-", max_size=6), st.sampled_from("a1_")).map("".join)


@st.composite
def jars(draw: st.DrawFn) -> Jar:
    module, revision = draw(WORDS), draw(WORDS)
    classifier = draw(st.one_of(st.just(""), WORDS.map("-{}".format)))
    digest = draw(st.binary(min_size=32, max_size=32)).hex()
    size = draw(st.integers(0, 10**9))
    return Jar(digest, size, draw(WORDS), module, revision, f"{module}-{revision}{classifier}.jar")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # one folder will do
@given(pinned=st.lists(jars(), unique_by=lambda jar: jar.file))
def test_a_lock_that_is_written_reads_the_same(part: Part, pinned: list[Jar]) -> None:
    parts.write_lock(part, pinned)
    assert parts.read_lock(part) == {jar.file: jar for jar in pinned}


GOOD = f"{'0' * 64}  1  org.example  broker  1  broker-1.jar"


@pytest.mark.parametrize(
    "line",
    [
        f"{'0' * 64}  broker-1.jar",
        GOOD.replace("0" * 64, "0" * 63),
        GOOD.replace("  1  org", "  -1  org"),
        GOOD.replace("broker-1.jar", "../broker-1.jar"),
        GOOD.replace("broker-1.jar", "other-1.jar"),
        GOOD.replace("org.example", "../../etc"),
        GOOD.replace("broker", ".."),
        GOOD + "  more",
    ],
)
def test_a_line_of_a_lock_that_is_none_is_told(part: Part, line: str) -> None:
    part.lock.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(ServerError, match=rf"kafka\.lock can't be used \(line 2 .*{re.escape(line[:20])}"):
        parts.read_lock(part)


def test_a_lock_that_is_not_there_is_told(part: Part) -> None:
    part.lock.unlink()
    with pytest.raises(ServerError, match="restore it from the repository"):
        parts.read_lock(part)


@pytest.mark.parametrize("name", ["kafka", "cassandra"])
def test_the_lock_pins_the_part_itself(name: str) -> None:
    part = parts.PARTS[name]
    pinned = parts.read_lock(part)
    for organisation, module, revision in part.modules:
        found = pinned[f"{module}-{revision}.jar"]
        assert (found.organisation, found.module, found.revision) == (organisation, module, revision)
        assert found.size > 1_000


def test_a_classifier_is_what_is_left_of_a_name() -> None:
    assert jar("logger-2-linux-x86_64.jar", b"").classifier == "linux-x86_64"
    assert jar("logger-2.jar", b"").classifier == ""


def test_the_lock_is_beside_the_code() -> None:
    assert parts.PARTS["kafka"].lock == Path(parts.__file__).parent / "kafka.lock"
