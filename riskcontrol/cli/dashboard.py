"""`riskcontrol dashboard`: the pages."""

from __future__ import annotations

import errno
import ipaddress
import socket

import click

from riskcontrol.claim import noted
from riskcontrol.cli.options import DATABASE, TOPIC, with_settings
from riskcontrol.errors import ServerError
from riskcontrol.servers.holders import dashboard_lock
from riskcontrol.settings import Settings


@click.command(epilog="Example: riskcontrol dashboard --port 0")
@with_settings(*TOPIC, *DATABASE)
@click.option("--port", type=click.IntRange(0, 65_535), default=8050, show_default=True,
              help="Port to listen on; 0 takes a free one.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--simulated", is_flag=True, help="Say on each page that the trades are simulated.")
def command(settings: Settings, port: int, host: str, *, simulated: bool) -> None:
    """Serve the pages: users' strategies, leaders, the market, and the page on which strategies are written.

    It needs Cassandra, and Kafka to open strategies; without them the pages say so and go on by themselves when they
    are back. Ctrl-C stops.
    """
    listener = listen(host, port)
    try:
        import uvicorn

        from frontend.app import create_app

        loopback = _is_loopback(listener.getsockname()[0])
        if not loopback:
            click.echo(
                f"Warning: there is no sign-in yet. Whoever reaches {host} can see and change every user's strategies.",
                err=True,
            )
        app = create_app(settings, loopback_only=loopback, simulated=simulated)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, ws="none"))
        click.echo(f"RiskControl is at {address(listener)} (Ctrl-C stops)")
        with noted(dashboard_lock(settings.home, address(listener))):
            server.run(sockets=[listener])
    finally:
        listener.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ServerError: The port is taken, or the address isn't one of this machine's.
    """
    try:
        family, kind, protocol, _, at = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(at)
            listener.listen(128)
        except BaseException:
            listener.close()
            raise
        return listener
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        remedy = "name another with --port; 0 takes a free one" if taken else "give one of this machine as --host"
        raise ServerError(
            f"can't listen on {host}:{port} ({error.strerror or error}); {remedy}", server="dashboard"
        ) from error


def address(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback
