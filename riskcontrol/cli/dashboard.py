"""`riskcontrol dashboard`: the pages."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from riskcontrol.claim import noted
from riskcontrol.cli.options import DATABASE, TOPIC, with_settings
from riskcontrol.errors import ServerError
from riskcontrol.servers.holders import dashboard_lock
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI


@click.command(epilog="Example: riskcontrol dashboard --port 0")
@with_settings(*TOPIC, *DATABASE)
@click.option("--port", type=click.IntRange(0, 65_535), default=8050, show_default=True,
              help="Port to listen on; 0 takes a free one.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--simulated", is_flag=True, help="Say on each page that the trades are simulated.")
@click.option("--behind-proxy", metavar="ADDRESS[,ADDRESS...]", default="",
              help="Addresses of proxies that speak TLS before it: who calls, and how, is what their "
              "X-Forwarded-For and -Proto say.")  # fmt: skip
@click.option("--public-host", metavar="NAME[,NAME...]", default="",
              help="Names under which it is reached; it answers to no others but loopback's.")  # fmt: skip
@click.option("--sign-in/--no-sign-in", default=True, show_default=True,
              help="Whether people sign in; without, anybody on this machine sees and changes everything.")  # fmt: skip
def command(
    settings: Settings, port: int, host: str, behind_proxy: str, public_host: str, sign_in: bool, simulated: bool
) -> None:
    """Serve the pages: one's strategies, leaders, the market, and the page on which strategies are written.

    It needs Cassandra, and Kafka to open strategies; without them the pages say so and go on by themselves when they
    are back. Ctrl-C stops. How to serve others, over TLS: docs/security.md.
    """
    listener = listen(host, port)
    try:
        from frontend.app import create_app, entrance_of
        from riskcontrol.heap import settle

        loopback = _is_loopback(listener.getsockname()[0])
        hosts, proxies = _listed(public_host), _listed(behind_proxy)
        for proxy in proxies:
            if not _is_network(proxy):
                raise click.UsageError(f"--behind-proxy takes addresses like 127.0.0.1 or 10.0.0.0/8, not {proxy!r}.")
        if not sign_in and (hosts or proxies or not loopback):
            raise click.UsageError(
                "--no-sign-in is for loopback alone: whoever reaches the pages could see and change everything. Leave "
                "it out, or leave out --host, --public-host and --behind-proxy."
            )
        if not loopback and not proxies:
            click.echo(
                f"Warning: {host} is reached without TLS, so passwords can be read on their way. Put a proxy that "
                "speaks TLS before it, and name that with --behind-proxy (docs/security.md).",
                err=True,
            )
        entrance = entrance_of(settings) if sign_in else None
        app = create_app(
            settings, entrance=entrance, loopback_only=loopback, hosts=hosts, simulated=simulated, early=True
        )
        server = server_of(app, proxies)
        settle()
        click.echo(f"RiskControl is at {address(listener)} (Ctrl-C stops)")
        with noted(dashboard_lock(settings.home, address(listener))):
            server.run(sockets=[listener])
    finally:
        listener.close()


def server_of(app: FastAPI, proxies: Collection[str] = ()) -> uvicorn.Server:
    """Return what serves an application.

    Args:
        app: The application.
        proxies: Addresses of those who are believed when they say that they call for somebody; nobody else is.
    """
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # its lines would be put together all the same
            timeout_graceful_shutdown=2,
            ws="none",
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
        )
    )


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


def _listed(text: str) -> list[str]:
    """Return the parts of a list with commas.

    >>> _listed("a, b,"), _listed("")
    (['a', 'b'], [])
    """
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_network(text: str) -> bool:
    """Return whether a text is an address, or those of a network; any other would be believed never, or always.

    >>> _is_network("10.0.0.0/8"), _is_network("::1"), _is_network("*"), _is_network("proxy.example")
    (True, True, False, False)
    """
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback
