"""The application: Dash's pages and the API on one FastAPI server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import dash
from dash import Dash
from dash.backends import get_backend
from dash.backends.base_server import BaseDashServer
from dash.exceptions import DependencyException
from fastapi import FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message

from database import session
from database.accounts import AccountTables, accounts_over
from database.alerts import AlertTables
from database.reads import Reader
from frontend import access, alert_panel, bell, exports, keys, reception, shell
from frontend.access import GuardedReader
from frontend.api import market as api_market
from frontend.api import results, state, strategies
from frontend.api.server import API, Addresses, finish
from frontend.bodies import Bodies
from frontend.calls import LEAST_ZIPPED, ZIP_LEVEL, Answering
from frontend.context import Context
from frontend.gate import Entrance, Gate
from frontend.guard import Guard
from frontend.market import Market
from frontend.own_alerts import OwnAlerts
from frontend.pages import (
    health,
    home,
    leaders,
    market,
    new,
    not_found_404,
    opening,
    preview,
    shared,
    strategy,
    ticker,
    user,
)
from frontend.recent import Recent
from frontend.reception import FORMS
from frontend.scripts import SCHEME
from frontend.scripts import source as source_of
from frontend.source import AccountSource, Connected, Source
from riskcontrol import servers
from riskcontrol.accounts.store import Store
from riskcontrol.alerts.signing import Keys
from riskcontrol.cli.compiling import is_compiled
from riskcontrol.secret import secret_of
from riskcontrol.settings import Settings
from riskcontrol.strategy import Action, Strategy


def create_app(
    settings: Settings,
    *,
    reader: Reader | None = None,
    entrance: Entrance | None = None,
    loopback_only: bool = True,
    hosts: Collection[str] = (),
    simulated: bool = False,
    alerts: Callable[[], OwnAlerts] | None = None,
    early: bool = False,
) -> FastAPI:
    """Return the application.

    Args:
        settings: Where the database and the tape are; looked at when they are first needed.
        reader: A reader to use instead of one that it connects by itself.
        entrance: Knows who comes; without it there is no sign-in, and whoever comes sees and changes everything.
        loopback_only: Whether it answers only requests to 127.0.0.1, localhost or [::1].
        hosts: Names to which it answers as well, and to no others.
        simulated: Whether each page says that the trades are simulated.
        alerts: Gives the way to alerts, to use instead of the tables.
        early: Whether the preview's engine starts with the application, and not with the first who wants it.
    """
    source = Source(lambda: GuardedReader(reader if reader is not None else _connect(settings)))

    def publish(strategy: Strategy, action: Action) -> None:
        access.require_change(strategy.username)
        _publish(settings, strategy, action)

    context = Context(
        settings=settings,
        source=source,
        market=Market(source),
        publish=publish,
        alerts=Connected(alerts or (lambda: _own_alerts(settings))),
    )

    @asynccontextmanager
    async def lifespan(server: FastAPI) -> AsyncIterator[None]:
        await _warm(server)
        known[:] = scripts()  # all of Dash's are there now, and their hashes take time
        watching = asyncio.create_task(context.calls.busy.watch())
        try:
            if early and is_compiled():  # to compile it takes two cores a minute, which the stream may be doing already
                context.previews.begin()
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            context.previews.close()

    server = FastAPI(
        title="RiskControl", docs_url=None, redoc_url=None, openapi_url=f"{API}/openapi.json", lifespan=lifespan
    )

    addresses = Addresses(server)
    for part in (state, results, exports, strategies, api_market):
        part.register(addresses, context)
    finish(server)
    if entrance is not None:
        reception.register(server, context, entrance)
        keys.register(server, entrance)
    server.add_exception_handler(DependencyException, _no_file)
    app = Dash(
        "frontend",
        backend=_backend(server),
        use_pages=True,
        pages_folder="",
        assets_folder=str(Path(__file__).with_name("assets")),
        index_string=shell.INDEX,
        title=shell.TITLE,
        update_title="",
        include_pages_meta=False,  # they would repeat the address in the page's source
        suppress_callback_exceptions=True,
        serve_locally=True,
        compress=True,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    for page in (home, user, strategy, leaders, market, ticker, health, new, shared, not_found_404):
        # Into Dash's registry, which all applications of a process share: layouts hold no data.
        address = dict[str, Any](page.PAGE)
        if callable(address["title"]):
            address["title"] = access.guarded(address["title"], lambda _: shell.TITLE)
        dash.register_page(page.__name__, **address, layout=access.guarded(page.layout, home.start))
    app.layout = partial(shell.layout, simulated=simulated)
    shell.register(app, context)
    bell.register(app, context)
    home.register(app)
    user.register(app, context)
    leaders.register(app, context)
    recent = Recent(source, context.market)
    market.register(app, context, recent)
    ticker.register(app, context)
    health.register(app, context, recent)
    strategy.register(app, context)
    alert_panel.register(app, context)
    new.register(app, context)
    preview.register(app, context)
    opening.register(app, context)
    # The last one added is the first to see a request: before Dash reads its body.
    server.add_middleware(Answering, calls=context.calls)
    server.add_middleware(Bodies, callbacks=lambda: app.callback_map)
    server.add_middleware(Gate, entrance=entrance)

    known: list[str] = []

    def scripts() -> list[str]:
        return known or [*app.csp_hashes(), source_of(SCHEME)]

    server.add_middleware(Guard, loopback_only=loopback_only, hosts=hosts, forms=FORMS, scripts=scripts)
    return server


def _backend(server: FastAPI) -> type[BaseDashServer[FastAPI]]:
    """Return how Dash uses the server: without its second way to callbacks, the WebSocket, which we don't need."""

    class Backend(get_backend("fastapi")):  # type: ignore[misc]  # chosen when it runs
        websocket_capability = False

        def enable_compression(self) -> None:
            server.add_middleware(GZipMiddleware, minimum_size=LEAST_ZIPPED, compresslevel=ZIP_LEVEL)

        @staticmethod
        def create_app(name: str = "", config: dict[str, Any] | None = None) -> FastAPI:
            return server

    return Backend


async def _no_file(request: Request, error: Exception) -> Response:
    return PlainTextResponse("Not Found", 404)


async def _warm(server: FastAPI) -> None:
    """Ask Dash for something once: it finds its assets and pages then, and would miss them on most pages."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        pass

    headers, path = [(b"host", b"localhost")], "/_dash-dependencies"
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": headers}
    where = {
        "query_string": b"",
        "scheme": "http",
        "server": ("localhost", 80),
        "client": ("localhost", 0),
        "root_path": "",
    }
    await server({**scope, **where, "http_version": "1.1", "asgi": {"version": "3.0"}}, receive, send)


def entrance_of(settings: Settings) -> Entrance:
    """Return what knows who comes: accounts in the database, which is connected to when somebody comes.

    Raises:
        SettingsError: The installation's secret can't be used.
    """

    def connect() -> Store:
        return AccountTables(session.connect(servers.require(settings, "cassandra")))

    return Entrance(accounts_over(cast("Store", AccountSource(connect)), settings))


def _connect(settings: Settings) -> Reader:
    return Reader(session.connect(servers.require(settings, "cassandra")))


def _own_alerts(settings: Settings) -> OwnAlerts:
    store = AlertTables(session.connect(servers.require(settings, "cassandra")))
    return OwnAlerts(store, lambda: Keys.of(secret_of(settings)))


def _publish(settings: Settings, strategy: Strategy, action: Action) -> None:
    from ingestion.producer import publish_openings  # noqa: PLC0415  the pages start without Kafka's client

    publish_openings(servers.require(settings, "kafka"), [strategy], action=action)
