"""Fetches the pinned JVM parts with the Ivy that comes inside pyspark, and checks every file.

`jars/NAME.lock` lists each jar of a part with its SHA-256. What is in the cache and fits the list is used as it is,
without a network; what does not fit is an error, never run.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from riskcontrol.errors import ServerError
from riskcontrol.servers.java import java

HERE = Path(__file__).parent

_TRIES = 3
"""Ivy is asked again when a download breaks; what it has already it keeps."""

_WARNINGS = threading.Lock()
"""What Python warns of is one setting of all threads, and parts are fetched in several."""


@dataclass(frozen=True, slots=True)
class Part:
    """A pinned artifact, fetched with all it depends on.

    Args:
        name: What we call it.
        organisation: Its group.
        artifact: Its name there.
        version: Its version.
        also: Further modules that it needs and does not name: organisation, artifact and version of each.
    """

    name: str
    organisation: str
    artifact: str
    version: str
    also: tuple[tuple[str, str, str], ...] = ()

    @property
    def lock(self) -> Path:
        """The list of its jars and their SHA-256."""
        return HERE / f"{self.name}.lock"


PARTS = {
    part.name: part
    for part in (
        Part(
            "kafka",
            "org.apache.kafka",
            "kafka_2.13",
            "4.2.0",
            # It leaves the choice of a logger to its user, and without one its log stays empty.
            also=(("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.3"),),
        ),
        Part("cassandra", "org.apache.cassandra", "cassandra-all", "5.0.6"),
    )
}


def folder(part: Part) -> Path:
    """Return where the part's jars are kept: beside this file, or for an installed package in the user's cache."""
    if os.access(HERE, os.W_OK):
        cache = HERE / ".cache"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "riskcontrol" / "jars"
    return cache / f"{part.artifact}-{part.version}"


def fetch(name: str, on_event: Callable[[str], None] | None = None) -> Path:
    """Return the folder with the part's jars, fetching it if it isn't there.

    Args:
        name: "kafka" or "cassandra".
        on_event: Told what happens.

    Raises:
        ServerError: It can't be fetched, or a jar isn't the one that was pinned.
    """
    part = PARTS[name]
    pinned = read_lock(part)
    target = folder(part)
    if not target.is_dir():
        with _alone(target):
            if not target.is_dir():  # another process may have fetched it while we waited
                if on_event is not None:
                    on_event(f"Fetching {part.artifact} {part.version} ({len(pinned)} jars)")
                retrieve(part, target, lambda found: check(part, pinned, found))
    check(part, pinned, target)
    return target


def read_lock(part: Part) -> dict[str, str]:
    """Return the pinned SHA-256 of each of the part's jars, by file name."""
    lines = part.lock.read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines if line and not line.startswith("#"))}


def relock(name: str) -> int:
    """Pin what Ivy resolves now and return how many jars that is."""
    part = PARTS[name]
    target = folder(part)
    shutil.rmtree(target, ignore_errors=True)
    retrieve(part, target, lambda _: None)
    lines = [f"{digest}  {jar}" for jar, digest in sorted(digests(target).items())]
    text = f"# SHA-256 of {part.artifact} {part.version} and all it needs; made by: riskcontrol jars --relock\n"
    part.lock.write_text(text + "\n".join(lines) + "\n")
    return len(lines)


def digests(target: Path) -> dict[str, str]:
    """Return the SHA-256 of each jar in a folder, by file name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in target.glob("*.jar")}


def check(part: Part, pinned: dict[str, str], target: Path) -> None:
    """Compare a folder with the pinned list.

    Raises:
        ServerError: They differ; the message names the first jar.
    """
    found = digests(target)
    wrong = sorted(jar for jar in pinned.keys() | found.keys() if pinned.get(jar) != found.get(jar))
    if wrong:
        state = "missing" if wrong[0] not in found else "not pinned" if wrong[0] not in pinned else "altered"
        raise ServerError(
            f"{target / wrong[0]} is {state} ({len(wrong)} of {len(pinned)} jars differ from {part.lock.name}); "
            f"remove {target} and run: riskcontrol jars",
            server=part.name,
        )


def retrieve(part: Part, target: Path, accept: Callable[[Path], None]) -> None:
    """Let Ivy fetch a part into `target`, which appears complete and accepted or not at all.

    Raises:
        ServerError: Ivy fails; what it says is in the message.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    keeps = target.parent / f"ivy-{part.name}"  # its own: parts are fetched at the same time
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="fetching-") as work:
        found = Path(work) / "jars"
        options = [
            str(java()),
            *_trust(Path(work)),
            "-jar", str(_ivy()),
            "-cache", str(keeps),
            "-confs", "default",
            "-types", "jar", "bundle",
            "-retrieve", f"{found}/[artifact]-[revision](-[classifier]).[ext]",
        ]  # fmt: skip
        for module in ((part.organisation, part.artifact, part.version), *part.also):
            _run_ivy(part, [*options, "-dependency", *module])
        accept(found)
        shutil.rmtree(target, ignore_errors=True)
        found.replace(target)
    # What Ivy keeps for itself is a second copy.
    shutil.rmtree(keeps, ignore_errors=True)


def _run_ivy(part: Part, command: list[str]) -> None:
    for attempt in range(_TRIES):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        # Ivy's exit status does not tell a missing jar.
        if done.returncode == 0 and "UNRESOLVED" not in done.stdout and "FAILED DOWNLOADS" not in done.stdout:
            return
        if attempt == _TRIES - 1:
            said = "\n".join(done.stdout.strip().splitlines()[-15:])
            raise ServerError(f"{part.artifact} {part.version} can't be fetched:\n{said}", server=part.name)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Keep other processes, and threads, from fetching the same part meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ivy() -> Path:
    import pyspark  # noqa: PLC0415  slow to import, and only a fetch needs it

    (jar,) = (Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar")
    return jar


def _trust(work: Path) -> list[str]:
    """Return the options that make Java trust whom this machine trusts (a company's proxy, for instance)."""
    from cryptography import x509  # noqa: PLC0415  as above
    from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12  # noqa: PLC0415

    paths = ssl.get_default_verify_paths()
    bundle = paths.cafile or paths.openssl_cafile
    if not bundle or not Path(bundle).is_file():
        return []
    with _WARNINGS, warnings.catch_warnings():
        # Some authorities' certificates break rules that matter to those who issue them, not to us.
        warnings.simplefilter("ignore")
        authorities = x509.load_pem_x509_certificates(Path(bundle).read_bytes())
    certificates = [
        pkcs12.PKCS12Certificate(authority, f"ca-{number}".encode()) for number, authority in enumerate(authorities)
    ]
    store = work / "trust.p12"
    store.write_bytes(pkcs12.serialize_java_truststore(certificates, NoEncryption()))
    return [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=PKCS12"]
