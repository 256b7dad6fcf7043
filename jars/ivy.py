"""Runs the Ivy that comes inside pyspark."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import threading
import warnings
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import quoteattr  # it only writes

from jars.parts import Jar, Module, Part
from riskcontrol.errors import ServerError
from riskcontrol.servers.java import QUICK, SERIAL, java

_LAYOUT = "[organisation]/[module]/[revision]/[artifact]-[revision](-[classifier]).[ext]"
"""Where Ivy puts a jar under the folder it fills: all that a lock file says of it is in the path."""

# Without a root it is Ivy's own default, Maven Central. Checksums are ours (the lock files), not the repository's.
# A connection that says nothing is given up; Ivy by itself would wait for ever.
_SETTINGS = """\
<ivysettings>
  <property name="ivy.checksums" value=""/>
  <settings defaultResolver="repository"/>
  <caches defaultCacheDir={cache}/>
  <timeout-constraints>
    <timeout-constraint name="patient" connectionTimeout="20000" readTimeout="60000"/>
  </timeout-constraints>
  <resolvers>
    <ibiblio name="repository" m2compatible="true" usepoms="{poms}" useMavenMetadata="false"
             timeoutConstraint="patient"{root}/>
  </resolvers>
</ivysettings>
"""

_MODULE = """\
<ivy-module version="2.0" xmlns:m="http://ant.apache.org/ivy/maven">
  <info organisation="riskcontrol" module={name}/>
  <configurations><conf name="default"/></configurations>
  <dependencies>
{dependencies}
  </dependencies>
</ivy-module>
"""

_WARNINGS = threading.Lock()
"""What Python warns of is one setting of all threads, and parts are fetched in several."""

_LOOK_SECONDS = 0.1
"""How often a run looks whether it is to stop."""

_SHOWN = 4
"""How many lines of what Ivy said are shown of a failure."""


def needed(part: Part) -> str:
    """Return the Ivy file that asks for a part's modules and all that they depend on."""
    dependencies = [
        f"    <dependency org={quoteattr(org)} name={quoteattr(name)} rev={quoteattr(rev)} conf='default->default'/>"
        for org, name, rev in part.modules
    ]
    return _module(part, dependencies)


def pinned(part: Part, jars: Iterable[Jar]) -> str:
    """Return the Ivy file that asks for exactly these jars, whatever their modules say of themselves."""
    dependencies = []
    by_module = sorted(jars, key=_module_of)
    for (org, name, rev), files in groupby(by_module, key=_module_of):
        artifacts = "".join(
            f"<artifact name={quoteattr(name)} type='jar' ext='jar'"
            + (f" m:classifier={quoteattr(jar.classifier)}" if jar.classifier else "")
            + "/>"
            for jar in files
        )
        dependencies.append(
            f"    <dependency org={quoteattr(org)} name={quoteattr(name)} rev={quoteattr(rev)} transitive='false' "
            f"conf='default->default'>{artifacts}</dependency>"
        )
    return _module(part, dependencies)


def run(module: str, work: Path, *, poms: bool, stop: threading.Event, holds: tuple[int, ...] = ()) -> str:
    """Let Ivy fetch what a module asks for into ``work/jars``.

    What it has once fetched it keeps under ``work/ivy`` and doesn't fetch again.

    Args:
        module: The Ivy file.
        work: A folder that is this run's alone.
        poms: Whether to read the modules' own descriptions, to find what they depend on.
        stop: Once set, Ivy is ended.
        holds: File descriptors that Ivy is to hold open, for as long as it runs.

    Returns:
        What Ivy says of its failure, shortened; all of it is in ``work/ivy.log``. Empty if it did what it should.

    Raises:
        ServerError: pyspark's Ivy or Java isn't there, or `SSL_CERT_FILE` is no list of certificates.
    """
    work = work.absolute()
    mirror = os.environ.get("RISKCONTROL_MAVEN")
    settings, file = work / "settings.xml", work / "ivy.xml"
    settings.write_text(
        _SETTINGS.format(
            cache=quoteattr(str(work / "ivy")),
            poms=str(poms).lower(),
            root=f" root={quoteattr(mirror.rstrip('/') + '/')}" if mirror else "",
        ),
        encoding="utf-8",
    )
    file.write_text(module, encoding="utf-8")
    shutil.rmtree(work / "jars", ignore_errors=True)
    command = [
        str(java()), *QUICK, *SERIAL, *_trust(work), "-cp", str(_jar()), "org.apache.ivy.Main",
        "-settings", str(settings),
        "-ivy", str(file),
        "-confs", "default",
        "-types", "jar", "bundle",
        "-retrieve", f"{work / 'jars'}/{_LAYOUT}",
    ]  # fmt: skip
    with (work / "ivy.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, pass_fds=holds
        )
    try:
        while process.poll() is None and not stop.wait(_LOOK_SECONDS):
            pass
    finally:
        process.kill()
        status = process.wait()
    return _failure(work / "ivy.log", status)


def fetched(work: Path) -> dict[Path, Module]:
    """Return the jars that a run has fetched, with the module of each."""
    jars = {}
    for path in sorted((work / "jars").rglob("*.jar")):
        organisation, module, revision, _ = path.relative_to(work / "jars").parts
        jars[path] = (organisation, module, revision)
    return jars


def bytes_there(work: Path) -> int:
    """Return how many bytes of jars Ivy has there, from this run and earlier ones, in files whole or in part."""
    total = 0
    # Ivy renames what is complete, and whoever fetches removes it all at the end: what is gone counts nothing.
    for folder, _, files in os.walk(work / "ivy"):
        for file in files:
            if file.endswith((".jar", ".jar.part")):
                with suppress(FileNotFoundError):
                    total += (Path(folder) / file).stat().st_size
    return total


def forget(work: Path, file: str) -> None:
    """Remove a jar from what Ivy keeps."""
    for path in (work / "ivy").rglob(file):
        path.unlink()


def _module(part: Part, dependencies: Iterable[str]) -> str:
    return _MODULE.format(name=quoteattr(part.name), dependencies="\n".join(dependencies))


def _module_of(jar: Jar) -> Module:
    return jar.organisation, jar.module, jar.revision


def _failure(log: Path, status: int) -> str:
    """Pick what tells of a failure from all that Ivy said; its exit status alone does not tell a missing jar."""
    said = log.read_text(encoding="utf-8", errors="replace")
    if status == 0 and not any(word in said for word in ("UNRESOLVED", "FAILED DOWNLOADS", "download failed")):
        return ""
    # Ivy says most of it once for each module; the cause comes before what it leads to.
    lines = [re.sub(r" at url \S+", "", line.strip()) for line in said.splitlines() if not line.startswith("::::")]
    causes = dict.fromkeys(line for line in lines if re.search(r"error|exception|failed|proxy", line, re.IGNORECASE))
    missing = dict.fromkeys(line for line in lines if "not found" in line)
    return "\n".join([*causes, *missing][:_SHOWN] or lines[-_SHOWN:]) or f"it ended with {status}"


def _jar() -> Path:
    import pyspark  # noqa: PLC0415  slow to import, and only a fetch needs it

    found = sorted((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))
    if not found:
        raise ServerError("pyspark's folder has no Ivy in it; install pyspark anew", server="ivy")
    return found[-1]


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
        try:
            authorities = x509.load_pem_x509_certificates(Path(bundle).read_bytes())
        except ValueError as error:
            raise ServerError(f"{bundle} holds no certificates; look at SSL_CERT_FILE", server="ivy") from error
    certificates = [
        pkcs12.PKCS12Certificate(authority, f"ca-{number}".encode()) for number, authority in enumerate(authorities)
    ]
    store = work / "trust.p12"
    store.write_bytes(pkcs12.serialize_java_truststore(certificates, NoEncryption()))
    return [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=PKCS12"]
