"""What is pinned: the two JVM parts, and the list of their jars.

A line of `jars/NAME.lock` reads ``SHA-256  bytes  organisation  module  revision  file``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from riskcontrol.errors import ServerError

HERE = Path(__file__).parent

Module = tuple[str, str, str]
"""Organisation, name and revision of a module in a Maven repository."""

_WORD = r"[\w.+-]*\w"
_LINE = re.compile(
    rf"(?P<sha256>[0-9a-f]{{64}})\s+(?P<size>\d+)\s+(?P<organisation>{_WORD})\s+(?P<module>{_WORD})\s+"
    rf"(?P<revision>{_WORD})\s+(?P<file>(?P=module)-(?P=revision)(-{_WORD})?\.jar)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A server that runs on Java, as modules of a Maven repository.

    Args:
        name: What we call it.
        modules: What it is made of; the first gives the folder its name. All that they depend on comes with them.
    """

    name: str
    modules: tuple[Module, ...]

    @property
    def lock(self) -> Path:
        """The list of its jars."""
        return HERE / f"{self.name}.lock"

    @property
    def title(self) -> str:
        """Its name and version.

        >>> Part("kafka", (("org.apache.kafka", "kafka_2.13", "4.2.0"),)).title
        'kafka_2.13-4.2.0'
        """
        _, name, revision = self.modules[0]
        return f"{name}-{revision}"


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned file.

    Args:
        sha256: Its SHA-256, hexadecimal.
        size: Its length in bytes.
        organisation: Of its module.
        module: Whose jar it is, or one of whose jars.
        revision: Of its module.
        file: Its name: ``MODULE-REVISION.jar`` or ``MODULE-REVISION-CLASSIFIER.jar``.
    """

    sha256: str
    size: int
    organisation: str
    module: str
    revision: str
    file: str

    @property
    def classifier(self) -> str:
        """What tells it from its module's other jars (a platform, mostly); empty for most.

        >>> Jar("", 0, "io.netty", "epoll", "4.1", "epoll-4.1-linux-x86_64.jar").classifier
        'linux-x86_64'
        """
        return self.file.removeprefix(f"{self.module}-{self.revision}").removesuffix(".jar").removeprefix("-")


PARTS = {
    part.name: part
    for part in (
        Part(
            "kafka",
            (
                ("org.apache.kafka", "kafka_2.13", "4.2.0"),
                # Kafka leaves the choice of a logger to its user, and without one its log stays empty.
                ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.3"),
            ),
        ),
        Part("cassandra", (("org.apache.cassandra", "cassandra-all", "5.0.6"),)),
    )
}


def read_lock(part: Part) -> dict[str, Jar]:
    """Return a part's pinned jars by file name.

    Raises:
        ServerError: The list is missing, or a line of it is none.
    """
    jars = {}
    try:
        for number, line in enumerate(part.lock.read_text(encoding="utf-8").splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            if (found := _LINE.fullmatch(line)) is None:
                raise ValueError(f"line {number} is no SHA-256, size, module and file: {line[:100]!r}")
            jars[found["file"]] = Jar(
                found["sha256"],
                int(found["size"]),
                found["organisation"],
                found["module"],
                found["revision"],
                found["file"],
            )
    except (OSError, ValueError) as error:
        raise ServerError(
            f"{part.lock} can't be used ({error}); restore it from the repository", server=part.name
        ) from error
    return jars


def write_lock(part: Part, jars: Iterable[Jar]) -> None:
    """Write a part's list of jars, in the order of their names."""
    lines = [
        f"# The jars of {part.title} and all it needs; made by: riskcontrol jars --relock",
        "# SHA-256, bytes, organisation, module, revision, file",
    ]
    lines += [
        f"{jar.sha256}  {jar.size}  {jar.organisation}  {jar.module}  {jar.revision}  {jar.file}"
        for jar in sorted(jars, key=lambda jar: jar.file)
    ]
    part.lock.write_text("\n".join(lines) + "\n", encoding="utf-8")
