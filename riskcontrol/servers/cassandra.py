"""Cassandra: one node, or one of a cluster."""

from __future__ import annotations

from pathlib import Path

from riskcontrol.servers import archive
from riskcontrol.servers.java import LONG_RUNNING, QUICK, java
from riskcontrol.servers.layout import HOSTS, Layout
from riskcontrol.servers.layout import folder as cluster_folder
from riskcontrol.servers.node import HOST, Node, heap, ports, touch

_CONFIG = """\
cluster_name: {cluster}
num_tokens: 16
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
data_file_directories: ["{folder}/data"]
commitlog_directory: "{folder}/commitlog"
saved_caches_directory: "{folder}/saved_caches"
hints_directory: "{folder}/hints"
cdc_raw_directory: "{folder}/cdc_raw"
{sync}
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{{seeds: "{seeds}"}}]
listen_address: {host}
rpc_address: {host}
storage_port: {storage}
ssl_storage_port: {ssl}
native_transport_port: {port}
start_native_transport: true
auto_bootstrap: false
storage_compatibility_mode: NONE
memtable:
  configurations:
    trie: {{class_name: TrieMemtable}}
    default: {{inherits: trie}}
sstable: {{selected_format: bti}}
# Batches of a shard's rows are large on purpose, and unlogged.
batch_size_warn_threshold: 1MiB
batch_size_fail_threshold: 4MiB
unlogged_batch_across_partitions_warn_threshold: 100000
commitlog_total_space: 1GiB
concurrent_compactors: 1
# A machine that is busy with everything else is slow, not broken.
read_request_timeout: 10s
range_request_timeout: {range_timeout}
write_request_timeout: 10s
cas_contention_timeout: 10s
request_timeout: 20s
# A keyspace that is dropped is meant to be gone.
auto_snapshot: false
dynamic_snitch: false
"""

_SYNC = (
    # One node by itself: the row writer keeps a row until the node's log is on the disk (`database/durable.py`), which
    # every fifth of a second costs less than half of what an acknowledgement of each row does.
    "commitlog_sync: periodic\ncommitlog_sync_period: 200ms",
    # One of several: what it acknowledges is on its disk, as nobody would notice that it alone has forgotten something.
    "commitlog_sync: batch",
)

_NICE = 5
"""A batch of the stream, which somebody waits for, goes before the rows of earlier ones, which follow."""

_LOGGING = """\
<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{{yyyy-MM-dd'T'HH:mm:ss.SSS'Z',UTC}} %-5level %logger{{0}}: %msg%n</pattern></encoder>
  </appender>
  <!-- Advice for the servers of a data centre. -->
  <logger name="org.apache.cassandra.service.StartupChecks" level="ERROR"/>
  <root level="WARN"><appender-ref ref="STDOUT"/></root>
</configuration>
"""

_EXPORTS = [
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.rmi/sun.rmi.transport.tcp",
    "java.sql/java.sql",
]
_OPENS = [
    "java.base/java.lang.module",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.util.jar",
    "java.base/java.lang",
    "java.base/java.util",
    "java.base/java.nio",
    "java.base/java.io",
    "java.base/sun.nio.ch",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "jdk.management/com.sun.management.internal",
    "java.base/java.net",
    "java.base/sun.security.ssl",
]
_PROPERTIES = {
    "cassandra-foreground": "yes",
    # One node: there is nobody whose gossip or tokens to wait for, nor anybody to tell of the end.
    "cassandra.skip_wait_for_gossip_to_settle": "0",
    "cassandra.ring_delay_ms": "0",
    "cassandra.shutdown_announce_in_ms": "0",
    "cassandra.superuser_setup_delay_ms": "0",
    "cassandra.initial_token": "",
    # By this clock requests expire, after seconds. Every 2 ms, as usual, it is most of what an idle node does.
    "cassandra.approximate_time_precision_ms": "20",
    "jdk.attach.allowAttachSelf": "true",
    "io.netty.tryReflectionSetAccessible": "true",
}

_GC = ("-XX:+UseG1GC",)


def cassandra(home: Path) -> Node:
    """Prepare a node whose data is under `home`; it keeps its ports while they are free."""
    folder = (home / "cassandra").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    port, storage, ssl = ports(folder, 3)
    return _node("cassandra", folder, (HOST,), 1, (port, storage, ssl), "riskcontrol", "1g")


def member(home: Path, number: int, layout: Layout) -> Node:
    """Prepare a node of a cluster; they are started one after the other.

    Args:
        home: Its data is under `home`/cluster.
        number: Which, from 1.
        layout: Where all of them are.
    """
    name = f"cassandra-{number}"
    layout.check_free(name)
    cluster = f"riskcontrol {layout.identity}"
    return _node(name, cluster_folder(home) / name, HOSTS, number, layout.cassandra, cluster, "512m")


def _node(
    name: str, folder: Path, hosts: tuple[str, ...], number: int, where: tuple[int, int, int], cluster: str, most: str
) -> Node:
    from jars.fetch import fetch  # noqa: PLC0415  jars/ stands above the core

    host, (port, storage, ssl) = hosts[number - 1], where
    conf = folder / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    config = _CONFIG.format(
        cluster=cluster,
        # Each is a seed: whichever is started first finds nobody and begins.
        seeds=",".join(f"{each}:{storage}" for each in hosts),
        host=host,
        port=port,
        storage=storage,
        ssl=ssl,
        folder=folder,
        sync=_SYNC[len(hosts) > 1],
        # Until its death has been noticed, a read of many rows waits for a node; asked again, it will be answered.
        range_timeout="20s" if len(hosts) == 1 else "4s",
    )
    (conf / "cassandra.yaml").write_text(config)
    (conf / "logback.xml").write_text(_LOGGING.format())
    jars = fetch("cassandra")
    options, archived = archive.options("cassandra", jars, _GC)
    compiling = QUICK if len(hosts) > 1 else LONG_RUNNING
    options += [f"-D{name}={value}" for name, value in _PROPERTIES.items()]
    options += [f"-Dcassandra.config=file://{conf}/cassandra.yaml", f"-Dcassandra.storagedir={folder}"]
    options += [f"-Dlogback.configurationFile={conf}/logback.xml"]
    options += [f"--add-exports={package}=ALL-UNNAMED" for package in _EXPORTS]
    options += [f"--add-opens={package}=ALL-UNNAMED" for package in _OPENS]
    return Node(
        name=name,
        folder=folder,
        command=(
            str(java()), "-Xms256m", f"-Xmx{heap('cassandra', most)}", *_GC, "-XX:MaxGCPauseMillis=50",
            "-XX:+ExitOnOutOfMemoryError", *compiling, *options,
            "-cp", f"{jars}/*", "org.apache.cassandra.service.CassandraDaemon",
        ),
        address=f"{host}:{port}",
        ready=lambda: _answer(host, port, number - 1),
        archive=archived if number == 1 else None,
        nice=_NICE,
    )  # fmt: skip


def _answer(host: str, port: int, others: int) -> None:
    """Ask a node for the version of its tables, and which others it knows.

    Raises:
        ConnectionError: It does not know so many yet, or not their tables: asked to make them, it would make its own.
    """
    touch(port, host)
    # The core has no Cassandra in it, but asking it a question needs its client.
    from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile  # noqa: PLC0415
    from cassandra.policies import WhiteListRoundRobinPolicy  # noqa: PLC0415

    cluster = Cluster(
        [host],
        port=port,
        connect_timeout=1,
        control_connection_timeout=2,
        protocol_version=5,
        execution_profiles={EXEC_PROFILE_DEFAULT: ExecutionProfile(WhiteListRoundRobinPolicy([host]))},
    )
    try:
        session = cluster.connect()
        tables = session.execute("SELECT schema_version FROM system.local").one().schema_version
        known = [peer.schema_version for peer in session.execute("SELECT schema_version FROM system.peers_v2")]
    finally:
        cluster.shutdown()
    if len(known) < others:
        raise ConnectionError(f"it knows {len(known)} of {others} other nodes")
    if others and tables not in known:
        raise ConnectionError("it does not know the tables yet")
