"""Local servers: the real Kafka, Cassandra and an S3 server, on loopback, without Docker or root.

`start` gives back control when all of them truly answer; `stop` stops what `start` started, by process id and start
time. Data is kept under the home folder and found again at the next start (buckets of the S3 server are not: it
keeps them in memory).
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from riskcontrol.errors import ServerError
from riskcontrol.servers import cluster
from riskcontrol.servers.cassandra import cassandra
from riskcontrol.servers.holders import holders
from riskcontrol.servers.kafka import kafka
from riskcontrol.servers.layout import NODES, Layout
from riskcontrol.servers.layout import folder as cluster_folder
from riskcontrol.servers.registry import Registry
from riskcontrol.servers.s3 import ACCESS_KEY, SECRET_KEY, s3
from riskcontrol.servers.signals import terminable, undisturbed
from riskcontrol.servers.starting import Maker, Starting, Told, end_all
from riskcontrol.settings import Settings

SERVERS: dict[str, Maker] = {"kafka": kafka, "cassandra": cassandra, "s3": s3}
"""Single servers."""


def start(home: Path, names: Sequence[str] = tuple(SERVERS), *, on_event: Told | None = None) -> dict[str, str]:
    """Start those servers that don't run yet and return when all of them answer.

    Interrupted (Ctrl-C, SIGTERM) or failing, it stops those that it had started.

    Args:
        home: Folder for data, logs and `servers.json`.
        names: Which servers.
        on_event: Told what happens; called from several threads.

    Returns:
        Address ("127.0.0.1:PORT", or a URL for s3) by name.

    Raises:
        ServerError: One doesn't come up; the end of its log is in the message.
    """
    _refuse_cluster(home)
    return _start(home, SERVERS, [[name] for name in names], on_event)


def start_cluster(home: Path, *, on_event: Told | None = None, on_database: Told | None = None) -> dict[str, str]:
    """Start those nodes of a home's cluster that don't run yet, as `start` does, and the S3 server.

    Args:
        home: Folder for data, logs and `servers.json`.
        on_event: Told what happens; called from several threads.
        on_database: Told the address of a new database's first node, before the others join it. They take over all
            the tables at once that are made now; of each that is made later, every node is told by itself.

    Returns:
        Address by name: "kafka-1" to "kafka-3", "cassandra-1" to "cassandra-3", "spark-master", "spark-1" to
        "spark-3", "s3".

    Raises:
        ServerError: One doesn't come up, or `home` has single servers.
    """
    single = [name for name in ("kafka", "cassandra") if (home / name).exists()]
    if single and Layout.of(home) is None:
        raise ServerError(
            f"{home} has a single {single[0]}, whose data a cluster does not take over; name another home for the "
            "cluster with --home, or remove the single servers and their data with: riskcontrol down --purge",
            server="cluster",
        )
    layout = Layout.made(home)
    # Where there are nodes already, theirs are the tables, whichever of them is started first.
    new = not list(cluster_folder(home).glob("cassandra-*"))
    then = {"cassandra-1": on_database} if on_database is not None and new else {}
    return _start(home, cluster.makers(layout) | {"s3": s3}, [*cluster.CHAINS, ["s3"]], on_event, then)


def _start(
    home: Path,
    makers: Mapping[str, Maker],
    chains: Sequence[Sequence[str]],
    told: Told | None,
    then: Mapping[str, Told] | None = None,
) -> dict[str, str]:
    registry = Registry(home)
    with registry.locked(), terminable():
        found = registry.alive()
        starting = Starting(registry, makers, told or (lambda _: None), then)
        missing = [left for chain in chains if (left := [name for name in chain if name not in found])]
        try:
            addresses = starting.all(missing)
        except BaseException:
            with undisturbed():
                starting.undo()
            raise
    return {name: found[name].address if name in found else addresses[name] for chain in chains for name in chain}


def _refuse_cluster(home: Path) -> None:
    if Layout.of(home) is not None:
        raise ServerError(
            f"{home} has a cluster; start that with: riskcontrol up --cluster, name another home with --home, or "
            "remove the cluster and its data with: riskcontrol down --purge",
            server="cluster",
        )


def stop(home: Path, *, purge: bool = False) -> list[str]:
    """Stop the servers that run under `home`.

    Args:
        home: The folder.
        purge: Remove their data as well.

    Returns:
        The names of those that were stopped.
    """
    registry = Registry(home)
    if not home.is_dir():
        return []
    with registry.locked():
        entries = registry.alive()
        end_all(registry, list(entries.values()))
        if purge:
            for folder in [*(home / name for name in SERVERS), cluster_folder(home)]:
                shutil.rmtree(folder, ignore_errors=True)
    return list(entries)


def running(home: Path) -> dict[str, str]:
    """Return the address of each server that runs under `home`, by name.

    Of a cluster: the addresses of all nodes of a kind ("kafka", "cassandra", "spark"), those that have ended as well,
    as they may come back.
    """
    layout = Layout.of(home)
    shared = layout.addresses() if layout is not None else {}
    return {kind: shared.get(kind, address) for name, address in alive(home).items() if (kind := cluster.kind(name))}


def alive(home: Path) -> dict[str, str]:
    """Return the address of each node that runs under `home`, by its name."""
    return {name: entry.address for name, entry in Registry(home).alive().items()}


def ended(home: Path) -> list[str]:
    """Return those nodes of a home's cluster that don't run, though others do."""
    found = alive(home)
    nodes = [name for chain in cluster.CHAINS for name in chain]
    missing = [name for name in nodes if name not in found]
    return missing if Layout.of(home) is not None and len(missing) < len(nodes) else []


def resolve(settings: Settings) -> Settings:
    """Fill in the addresses that are not set with those of the local servers that run.

    On a local cluster, topic and tables are made with as many replicas as there are nodes.
    """
    local = running(settings.home)
    found: dict[str, object] = {
        field: local[name]
        for field, name in (("kafka", "kafka"), ("cassandra", "cassandra"), ("s3_endpoint", "s3"))
        if name in local and not getattr(settings, field)
    }
    if "s3_endpoint" in found:
        found |= {"s3_access_key": ACCESS_KEY, "s3_secret_key": type(settings.s3_secret_key)(SECRET_KEY)}
    if found.keys() & {"kafka", "cassandra"} and Layout.of(settings.home) is not None:
        found["replication"] = NODES
    return settings.model_copy(update=found)


def require(settings: Settings, *names: str) -> Settings:
    """Do as `resolve`, and insist on these servers.

    Args:
        settings: The settings.
        names: "kafka", "cassandra".

    Raises:
        ServerError: One of them is neither set nor running.
    """
    resolved = resolve(settings)
    for name in names:
        if not getattr(resolved, name):
            raise ServerError(
                f"none is set and none runs here; {_at_hand(settings.home)}, or give its address with --{name}",
                server=name,
            )
    return resolved


def _at_hand(home: Path) -> str:
    """Return in words how whoever has no server comes to one: a demonstration that runs has its own."""
    for one in holders(home):
        if one.name == "demo":
            return f"the demonstration's are found with: --home {shlex.quote(one.claims)}"
    return "start one with: riskcontrol up"
