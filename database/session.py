"""Sessions with Cassandra: one per process and keyspace, and the keyspace itself."""

from __future__ import annotations

import atexit
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

from cassandra import ConsistencyLevel, DriverException
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import (
    EXEC_PROFILE_DEFAULT,
    Cluster,
    ExecutionProfile,
    NoHostAvailable,
    Session,
)
from cassandra.policies import (
    ConstantSpeculativeExecutionPolicy,
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    RetryPolicy,
    TokenAwarePolicy,
)
from cassandra.protocol import ErrorMessage
from cassandra.query import PreparedStatement

from riskcontrol.errors import ServerError, SettingsError, TablesMissing
from riskcontrol.settings import Settings

DEFAULT_PORT = 9042
PROTOCOL = 4
"""Version of the native protocol. Version 5 adds only checksums that TCP has already, computed in Python."""

_SCHEMA = Path(__file__).with_name("schema.cql")
_INIT = "run riskcontrol database init"
_ADDED = (("strategies", "since bigint"),)
"""Columns that tables of earlier versions lack."""
_OF_THE_TAPE = ("strategies", "positions", "fills", "bars", "marks", "leaders", "days", "batches", "watermarks")
"""Tables with nothing in them that the stream couldn't write again from its tape."""
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\s,:\[\]]+))(?::(\d{1,5}))?")
_CONNECT_SECONDS = 5.0
_REQUEST_SECONDS = 15.0
_EMPTY_SECONDS = 70.0
"""More than a server takes before it gives up emptying a table: asked again meanwhile, it may do so later."""
_SPECULATE_SECONDS = 2.0
"""After so long, an idempotent request is sent to another replica as well: a node may have just died."""

_READ_TRIES = 3
"""So many more times a read that timed out is tried, within the time that a request has."""

_ERRORS = (NoHostAvailable, DriverException, ErrorMessage, OSError)
"""What the driver raises; they have no base of their own."""

_sessions: dict[tuple[int, str, str, str], Session] = {}
_statements: WeakKeyDictionary[Session, dict[str, PreparedStatement]] = WeakKeyDictionary()
_lock = threading.Lock()


def connect(settings: Settings, *, keyspace: bool = True) -> Session:
    """Return this process's session; the first call makes it.

    A forked child gets a session of its own, as sockets and the driver's thread can't be shared with its parent.

    Args:
        settings: Contact points, credentials and keyspace.
        keyspace: Whether the session works in the keyspace of the tables, which then must exist.

    Raises:
        SettingsError: The contact points can't be read.
        ServerError: No node answers, the credentials are refused, or there is no such keyspace.
    """
    used = settings.keyspace if keyspace else ""
    key = (os.getpid(), settings.cassandra, settings.cassandra_username, used)
    with _lock:
        session = _sessions.get(key)
        if session is None or session.is_shutdown:
            _sessions[key] = session = _connected(settings, used)
        return session


def close() -> None:
    """Close this process's sessions."""
    with _lock:
        for key in [key for key in _sessions if key[0] == os.getpid()]:
            _sessions.pop(key).cluster.shutdown()


atexit.register(close)


def init(settings: Settings) -> None:
    """Create the keyspace and the tables; those that are there stay, and get columns that came later.

    Raises:
        ServerError: No node answers, or the server refuses.
    """
    kind = "NetworkTopologyStrategy" if settings.replication > 1 else "SimpleStrategy"
    replicas = f"{{'class': '{kind}', 'replication_factor': {settings.replication}}}"
    added = [f"ALTER TABLE {settings.keyspace}.{table} ADD IF NOT EXISTS {column}" for table, column in _ADDED]
    # By a session of its own, which does not read the whole schema again after each change, as others do: that is a
    # third of the work, and most of the time.
    session = _connected(settings, reads_schema=False)
    with session.cluster as cluster, answering(settings.cassandra):
        session.execute(f"CREATE KEYSPACE IF NOT EXISTS {settings.keyspace} WITH replication = {replicas}")
        for statement in schema(settings.keyspace) + added:
            session.execute(statement)
        # Nodes may not have heard yet of what was there already. This waits for them, and reads nothing.
        cluster.control_connection.refresh_schema()


def clear(settings: Settings) -> None:
    """Empty every table that has rows; they are gone when it returns.

    Raises:
        ServerError: No node answers, the server refuses, or a table is missing.
    """
    session = connect(settings)
    with answering(settings.cassandra):
        # To ask first costs a tenth of emptying those that are empty.
        asked = {table: session.execute_async(f"SELECT * FROM {table} LIMIT 1") for table in tables(settings.keyspace)}  # noqa: S608
        filled = [table for table, answer in asked.items() if answer.result().one() is not None]
        for future in [session.execute_async(f"TRUNCATE {table}", timeout=_EMPTY_SECONDS) for table in filled]:
            future.result()


def drop(settings: Settings, *, rows: bool = False) -> None:
    """Drop the keyspace with everything in it, or only the tables that the stream writes.

    Args:
        settings: Where it is.
        rows: Keep accounts, keys, links and alerts, which are on no tape.

    Raises:
        ServerError: No node answers, or the server refuses.
    """
    session = connect(settings, keyspace=False)
    with answering(settings.cassandra):
        if not rows:
            session.execute(f"DROP KEYSPACE IF EXISTS {settings.keyspace}")
            return
        for table in _OF_THE_TAPE:
            session.execute(f"DROP TABLE IF EXISTS {settings.keyspace}.{table}")


def schema(keyspace: str) -> list[str]:
    """Return the statements of `schema.cql`, with the tables' names qualified.

    >>> schema("risk")[0].split("(")[0]
    'CREATE TABLE IF NOT EXISTS risk.users '
    """
    text = re.sub(r"--.*", "", _SCHEMA.read_text(encoding="utf-8"))
    statements = [statement.strip() for statement in text.split(";") if statement.strip()]
    return [re.sub(r"(?<=^CREATE TABLE IF NOT EXISTS )", f"{keyspace}.", statement) for statement in statements]


def tables(keyspace: str) -> list[str]:
    """Return the qualified names of the tables.

    >>> tables("risk")[0]
    'risk.users'
    """
    return [statement.partition("(")[0].split()[-1] for statement in schema(keyspace)]


def contact_points(text: str) -> list[tuple[str, int]]:
    """Read a list of contact points.

    Args:
        text: HOST[:PORT][,HOST[:PORT]...]; an IPv6 address stands in brackets.

    Raises:
        SettingsError: It isn't such a list.

    >>> contact_points("10.0.0.1,[::1]:9142")
    [('10.0.0.1', 9042), ('::1', 9142)]
    """
    points = []
    for part in text.split(","):
        match = _ADDRESS.fullmatch(part.strip())
        port = int(match[3] or DEFAULT_PORT) if match else 0
        if match is None or not 0 < port < 65_536:
            raise SettingsError(f"{part.strip()!r} is not HOST[:PORT]; write HOST[:PORT][,HOST...]", field="cassandra")
        points.append((match[1] or match[2], port))
    return points


def prepare(session: Session, query: str) -> PreparedStatement:
    """Return a query prepared, asking the server only once per session and query.

    Args:
        session: A session with a keyspace.
        query: CQL with ``{}`` where the keyspace belongs: the server warns of prepared queries that leave it out.

    Raises:
        ServerError: The server refuses it, or no node answers.
    """
    statements = _statements.setdefault(session, {})
    statement = statements.get(query)
    if statement is None:
        with answering():
            statement = session.prepare(query.format(session.keyspace))
        statement.is_idempotent = True  # every query of ours can be sent twice
        statements[query] = statement
    return statement


@contextmanager
def answering(address: str = "") -> Iterator[None]:
    """Turn the driver's errors inside into `ServerError` with what to do.

    Raises:
        ServerError: No node answers, or the server refuses; `TablesMissing`.
    """
    try:
        yield
    except _ERRORS as error:
        raise _meaning(error, address) from error


class _ReadAgain(RetryPolicy):
    """Asks again what a node could not read in time.

    A node that was killed counts as alive for some ten seconds. A read of many rows that waits for it comes to nothing,
    and is answered without it once the others have noticed.
    """

    def on_read_timeout(
        self, query: object, consistency: int, required_responses: int, received_responses: int, data_retrieved: bool,
        retry_num: int,
    ) -> tuple[int, int | None]:  # fmt: skip
        """Say what to do: the driver asks."""
        del query, required_responses, received_responses, data_retrieved
        return (self.RETRY, consistency) if retry_num < _READ_TRIES else (self.RETHROW, None)


def _connected(settings: Settings, keyspace: str = "", *, reads_schema: bool = True) -> Session:
    if not settings.cassandra:
        raise ServerError("no database is set and none runs here; start one with: riskcontrol up", server="cassandra")
    points = contact_points(settings.cassandra)
    user = settings.cassandra_username
    with answering(settings.cassandra):
        _knock(points)
        cluster = Cluster(
            contact_points=points,
            port=points[0][1],
            auth_provider=PlainTextAuthProvider(user, settings.cassandra_password.get_secret_value()) if user else None,
            protocol_version=PROTOCOL,
            compression=False,
            # Without it, a batch waits 40 ms for the acknowledgement of the one before (Nagle's algorithm).
            sockopts=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            connect_timeout=_CONNECT_SECONDS,
            control_connection_timeout=10,
            schema_metadata_enabled=reads_schema,
            # However long a node is away: by default the driver gives it up after 64 tries.
            reconnection_policy=ExponentialReconnectionPolicy(0.5, 10.0, max_attempts=None),
            execution_profiles={
                EXEC_PROFILE_DEFAULT: ExecutionProfile(
                    # Not shuffled: a batch goes to the replica for which its rows were put together.
                    load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(), shuffle_replicas=False),
                    speculative_execution_policy=ConstantSpeculativeExecutionPolicy(_SPECULATE_SECONDS, 2),
                    consistency_level=ConsistencyLevel.LOCAL_QUORUM,
                    retry_policy=_ReadAgain(),
                    request_timeout=_REQUEST_SECONDS,
                )
            },
        )
        try:
            session = cluster.connect()
            if keyspace:
                session.set_keyspace(keyspace)
        except BaseException:
            cluster.shutdown()
            raise
    return session


def _knock(points: list[tuple[str, int]]) -> None:
    """Raise an `OSError` if nobody listens at any of these points.

    The driver would find out as well, but logs a stack trace for each and leaves their sockets open.
    """
    refusals = []
    for point in points:
        try:
            socket.create_connection(point, timeout=_CONNECT_SECONDS).close()
        except OSError as error:
            refusals.append(f"{point[0]}:{point[1]}: {error.strerror or error}")
        else:
            return
    raise ConnectionError("; ".join(refusals))


def _meaning(error: Exception, address: str) -> ServerError:
    """Return what an error of the driver means and what to do about it."""
    causes = [error, *(error.errors.values() if isinstance(error, NoHostAvailable) else ())]
    said = "; ".join(dict.fromkeys(str(cause)[:300] or type(cause).__name__ for cause in causes[1:] or causes))
    if re.search(r"[Kk]eyspace .* does not exist|table \S+ does not exist|unconfigured table", said):
        return TablesMissing(f"{said}; create the tables with: riskcontrol database init", server="cassandra")
    if any(type(cause).__name__ == "AuthenticationFailed" for cause in causes):
        said = "the user name or password is refused; set RISKCONTROL_CASSANDRA_USERNAME and _PASSWORD"
    elif column := re.search(r"(?:[Uu]ndefined column name|[Uu]nknown identifier) \"?(\w+)", said):
        if column[1] in [added.split()[0] for _, added in _ADDED]:
            remedy = f"of an earlier version: {_INIT}, which adds what is missing and keeps all"
            return TablesMissing(f"{said}; the tables are {remedy}", server="cassandra")
        said += f"; the tables are of another version: name a new keyspace, and {_INIT}"
    elif isinstance(error, NoHostAvailable | OSError):
        at = f" at {address}" if address else ""
        said = f"no answer{at} ({said}); start it with: riskcontrol up, or give its address with --cassandra"
    return ServerError(said, server="cassandra")
