"""The application with sign-in, over tables and accounts in memory, and people who use it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from fastapi import FastAPI

from frontend.app import create_app
from frontend.gate import Entrance
from frontend.own_alerts import OwnAlerts
from riskcontrol.accounts.account import Role
from riskcontrol.settings import Settings
from tests.accounts.fake import PASSWORD, FakeStore, made
from tests.alerts.fake import KEYS, NOW, Clock, FakeAlerts
from tests.frontend.conftest import Page
from tests.frontend.fake import FakeReader, leaders, position, strategy, trader
from tests.frontend.serving import client_of, served


@dataclass
class House:
    """An application that runs, and all that is behind it."""

    address: str
    app: FastAPI
    tables: FakeReader
    store: FakeStore
    entrance: Entrance
    clock: Clock
    alerts: FakeAlerts
    clients: list[httpx.Client] = field(default_factory=list)

    def visitor(self) -> httpx.Client:
        """Return a browser that nobody has signed in with."""
        headers = {"sec-fetch-site": "same-origin"}
        client = client_of(self.address, headers=headers)
        self.clients.append(client)
        return client

    def signed_in(self, username: str, password: str = PASSWORD) -> httpx.Client:
        """Return a browser in which somebody has signed in."""
        client = self.visitor()
        response = client.post("/sign-in", data={"username": username, "password": password})
        assert response.status_code == 303, response.text
        return client

    def page(self, client: httpx.Client) -> Page:
        """Return the pages as a browser has them."""
        return Page(client, client.get("/_dash-dependencies").json())


def people(tables: FakeReader | None = None) -> FakeReader:
    """Ann, who trades, bob, who has one strategy, and the best hundred; put into tables that have ann already."""
    tables = tables or trader()
    tables.strategy_rows.append(strategy(username="bob", ticker="BAC", name="mine"))
    tables.position_rows.append(position(username="bob", ticker="BAC", name="mine"))
    tables.leading = leaders()
    return tables


@contextmanager
def house(
    tables: FakeReader | None = None, *, port: int = 0, proxies: Collection[str] = (), hosts: Collection[str] = ()
) -> Iterator[House]:
    """Serve the application, with accounts for ann, bob and the admin carl."""
    tables, clock = tables or people(), Clock()
    tables.users.add("user000001")
    store, accounts = made(FakeStore(names=tables.users))  # who registers is a user as well
    entrance = Entrance(accounts, clock=clock)
    for name in ("ann", "bob", "carl"):
        accounts.set_password(name, PASSWORD, now=NOW)
    store.set_role("carl", Role.ADMIN)
    alerts = FakeAlerts()
    own = OwnAlerts(alerts, lambda: KEYS)
    app = create_app(Settings(), reader=tables, entrance=entrance, hosts=hosts, alerts=lambda: own)
    with served(app, port, proxies) as address:
        one = House(address, app, tables, store, entrance, clock, alerts)
        yield one
        for client in one.clients:
            client.close()
