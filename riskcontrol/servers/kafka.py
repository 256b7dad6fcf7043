"""Kafka's broker, which is a controller as well (KRaft): one, or one of a cluster."""

from __future__ import annotations

from pathlib import Path

from riskcontrol.servers import archive
from riskcontrol.servers.java import LONG_RUNNING, QUICK, java
from riskcontrol.servers.layout import Layout, identifier
from riskcontrol.servers.layout import folder as cluster_folder
from riskcontrol.servers.node import HOST, Node, heap, ports, touch

_PROPERTIES = """\
process.roles=broker,controller
node.id={number}
# Its quorum, at the ports of this start.
controller.quorum.voters={voters}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/log
auto.create.topics.enable=false
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=1
transaction.state.log.replication.factor={replicas}
transaction.state.log.num.partitions=1
transaction.state.log.min.isr={in_sync}
min.insync.replicas={in_sync}
group.initial.rebalance.delay.ms=0
message.max.bytes=10485760
replica.fetch.max.bytes=10485760
log.retention.hours=-1
# No topic of ours is compacted; the default would hold 128 MB.
log.cleaner.dedupe.buffer.size=4194304
"""

_TOGETHER = """\
# All brokers are stopped at the same time: the last ones would wait in vain to be allowed to leave.
controlled.shutdown.enable=false
"""

_GC = ("-XX:+UseG1GC",)


def kafka(home: Path) -> Node:
    """Prepare a broker whose data is under `home`; it keeps its ports while they are free."""
    folder = (home / "kafka").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    port, controller = ports(folder, 2)
    return _broker("kafka", folder, 1, ((port, controller),), identifier(), "512m")


def broker(home: Path, number: int, layout: Layout) -> Node:
    """Prepare a broker of a cluster.

    Args:
        home: Its data is under `home`/cluster.
        number: Which, from 1.
        layout: Where all of them are.
    """
    name = f"kafka-{number}"
    layout.check_free(name)
    return _broker(name, cluster_folder(home) / name, number, layout.kafka, layout.identity, "256m")


def _broker(
    name: str, folder: Path, number: int, quorum: tuple[tuple[int, int], ...], identity: str, most: str
) -> Node:
    from jars.fetch import fetch  # noqa: PLC0415  jars/ stands above the core

    folder.mkdir(parents=True, exist_ok=True)
    jars = fetch("kafka")
    port, controller = quorum[number - 1]
    together = len(quorum) > 1
    text = _PROPERTIES.format(
        number=number,
        voters=",".join(f"{voter}@{HOST}:{at}" for voter, (_, at) in enumerate(quorum, 1)),
        host=HOST,
        port=port,
        controller=controller,
        folder=folder,
        replicas=len(quorum),
        in_sync=len(quorum) // 2 + 1,
    )
    properties = folder / "server.properties"
    properties.write_text(text + (_TOGETHER if together else ""))
    logging = folder / "log4j2.yaml"
    logging.write_text(_LOGGING)
    _format(folder / "log", number, identity)
    options, archived = archive.options("kafka", jars, _GC)
    compiling = QUICK if together else LONG_RUNNING
    return Node(
        name=name,
        folder=folder,
        command=(
            str(java()), "-Xms128m", f"-Xmx{heap('kafka', most)}", *_GC, "-XX:MaxGCPauseMillis=20",
            *compiling, *options, f"-Dlog4j2.configurationFile={logging}",
            "-cp", f"{jars}/*", "kafka.Kafka", str(properties),
        ),
        address=f"{HOST}:{port}",
        ready=lambda: _answer(port),
        archive=archived if number == 1 else None,
    )  # fmt: skip


def _format(data: Path, number: int, identity: str) -> None:
    """Make the folder a broker's own, as `kafka-storage format` does, which takes a JVM's second for it."""
    path = data / "meta.properties"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        new = data / "meta.properties.new"
        new.write_text(f"version=1\ncluster.id={identity}\nnode.id={number}\ndirectory.id={identifier()}\n")
        new.replace(path)


def _answer(port: int) -> None:
    touch(port)
    from kafka import KafkaAdminClient  # noqa: PLC0415  the core has no Kafka in it

    admin = KafkaAdminClient(bootstrap_servers=f"{HOST}:{port}", bootstrap_timeout_ms=1_000, request_timeout_ms=2_000)
    try:
        admin.list_topics()
    finally:
        admin.close()


_LOGGING = """\
Configuration:
  Appenders:
    Console:
      name: stdout
      PatternLayout:
        pattern: "%d{ISO8601}{UTC}Z %p %c{1}: %m%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        - ref: stdout
"""
