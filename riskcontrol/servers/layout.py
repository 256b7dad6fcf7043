"""Where the nodes of a local cluster are: chosen once, kept in HOME/cluster, the same at every start.

The nodes know each other by these addresses, so that one which is started again must be where it was.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import uuid
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from riskcontrol.claim import make_folder
from riskcontrol.errors import ServerError
from riskcontrol.servers.node import HOST, free_ports, soon_free

NODES = 3
"""So many brokers, nodes of Cassandra and workers: the fewest of which one may end without anything being lost."""

HOSTS = tuple(f"127.0.0.{number}" for number in range(1, NODES + 1))
"""Where Cassandra's nodes are: it wants the same port on each of them."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The ports of a cluster.

    Args:
        identity: The cluster's own name, by which its nodes refuse those of another.
        kafka: Of each broker, that for clients and that of its controller.
        cassandra: For clients, between nodes, and between nodes by TLS; the same on each of `HOSTS`.
        spark: Of the master and of each worker, that for the others and that of its page.
    """

    identity: str
    kafka: tuple[tuple[int, int], ...]
    cassandra: tuple[int, int, int]
    spark: tuple[tuple[int, int], ...]

    def addresses(self) -> dict[str, str]:
        """Return where clients reach each kind of server, with all its nodes."""
        return {
            "kafka": ",".join(f"{HOST}:{port}" for port, _ in self.kafka),
            "cassandra": ",".join(f"{host}:{self.cassandra[0]}" for host in HOSTS),
            "spark": f"spark://{HOST}:{self.spark[0][0]}",
        }

    def ports(self, name: str) -> list[tuple[str, int]]:
        """Return the hosts and ports on which a node listens.

        >>> Layout("x", ((1, 2), (3, 4), (5, 6)), (7, 8, 9), ((10, 11),) * 4).ports("kafka-2")
        [('127.0.0.1', 3), ('127.0.0.1', 4)]
        """
        kind, _, number = name.partition("-")
        if kind == "cassandra":
            return [(HOSTS[int(number) - 1], port) for port in self.cassandra[:2]]
        pair = self.kafka[int(number) - 1] if kind == "kafka" else self.spark[0 if number == "master" else int(number)]
        return [(HOST, port) for port in pair]

    def check_free(self, name: str) -> None:
        """Insist on a node's ports being free.

        Raises:
            ServerError: Another program listens on one of them.
        """
        for host, port in self.ports(name):
            if not soon_free(port, host):
                raise ServerError(
                    f"its port {host}:{port} is taken by another program; end that one, or give the cluster up with: "
                    "riskcontrol down --purge",
                    server=name,
                )

    @classmethod
    def of(cls, home: Path) -> Self | None:
        """Return the layout of the cluster that a home has, or None.

        Raises:
            ServerError: It is damaged.
        """
        path = _path(home)
        try:
            fields = json.loads(path.read_text())
            pairs = {name: tuple((int(first), int(second)) for first, second in fields[name]) for name in _PAIRS}
            first, second, third = map(int, fields["cassandra"])
            return cls(identity=str(fields["identity"]), cassandra=(first, second, third), **pairs)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise ServerError(
                f"{path} is damaged ({error}); put it right, or give the cluster up with: riskcontrol down --purge",
                server="cluster",
            ) from error

    @classmethod
    def made(cls, home: Path) -> Self:
        """Return a home's layout, choosing it if it has none.

        Raises:
            ServerError: This machine lacks loopback addresses, or the layout is damaged.
        """
        if (found := cls.of(home)) is not None:
            return found
        _check_hosts()
        brokers, workers = iter(free_ports(2 * NODES)), 2 * (NODES + 1)
        pairs = tuple(zip(brokers, brokers, strict=True))
        first, second, third, *rest = free_ports(3 + workers, HOSTS)
        spark = iter(rest)
        layout = cls(identifier(), pairs, (first, second, third), tuple(zip(spark, spark, strict=True)))
        make_folder(_path(home).parent)
        new = _path(home).with_suffix(".new")
        new.write_text(json.dumps(asdict(layout), indent=1) + "\n")
        new.replace(_path(home))
        return layout


_PAIRS = ("kafka", "spark")


def folder(home: Path) -> Path:
    """Return the folder that holds all that a cluster keeps."""
    return (home / "cluster").absolute()


def identifier() -> str:
    """Return a random identifier as Kafka writes it: 22 characters of Base64 that don't begin with a dash."""
    while (text := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def secret_file(home: Path) -> Path:
    """Return the file of options that Spark's parts share, made if it isn't there.

    There is a secret in it: whoever may speak to a worker may run programs as us, and on loopback is every user of
    the machine. So it is in a file that only we can read, and on no command line.
    """
    path = folder(home) / "spark.conf"
    if not path.exists():
        make_folder(path.parent)
        new = path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"spark.authenticate true\nspark.authenticate.secret {secrets.token_hex(32)}\n")
            file.write("spark.ui.killEnabled false\n")
        new.replace(path)
    return path


def _path(home: Path) -> Path:
    return folder(home) / "layout.json"


def _check_hosts() -> None:
    for host in HOSTS:
        with socket.socket() as probe:
            try:
                probe.bind((host, 0))
            except OSError as error:
                raise ServerError(
                    f"this machine has no address {host} ({error.strerror or error}); "
                    f"on macOS it is added with: sudo ifconfig lo0 alias {host}",
                    server="cassandra",
                ) from error
