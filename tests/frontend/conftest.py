"""The application over tables in memory, and a way to call its callbacks as a browser does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from frontend import app as application
from frontend import market
from riskcontrol.errors import ServerError
from riskcontrol.settings import Settings
from riskcontrol.strategy import Action, Strategy
from tests.frontend.fake import FakeReader, trader
from tests.frontend.serving import client_of, served


@dataclass
class Tape:
    """What was published; set `away` to have no broker."""

    sent: list[tuple[Strategy, Action]] = field(default_factory=list)
    away: bool = False

    def publish(self, settings: Settings, strategy: Strategy, action: Action) -> None:
        """Keep it."""
        if self.away:
            raise ServerError("no broker answers", server="kafka")
        self.sent.append((strategy, action))


@dataclass
class Page:
    """A client that calls callbacks by what they change, with the values of a page's properties."""

    client: httpx.Client
    dependencies: list[dict[str, Any]]

    def call(self, output: str, triggered: str, **values: Any) -> dict[str, Any]:
        """Return what the callback answers, by ``id.property``; nothing if it changes nothing.

        Args:
            output: One of its outputs, ``id.property``.
            triggered: The property that changed, ``id.property``.
            values: Values of its inputs and states, with ``__`` for the point and ``_`` for the dash.
        """
        response = self.post(output, triggered, **values)
        if response.status_code == 204:
            return {}
        assert response.status_code == 200, response.text
        return {
            f"{element}.{name}": value
            for element, changed in response.json()["response"].items()
            for name, value in changed.items()
        }

    def post(self, output: str, triggered: str, **values: Any) -> Any:
        """Return the response to the same."""
        dependency = next(
            found
            for found in self.dependencies
            if output in _outputs(found["output"]) and any(_name(part) == triggered for part in found["inputs"])
        )
        given = {name.replace("__", ".").replace("_", "-"): value for name, value in values.items()}

        def filled(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [
                {"id": part["id"], "property": part["property"], "value": given.get(_name(part).replace("_", "-"))}
                for part in parts
            ]

        many = dependency["output"].startswith("..")
        outputs = [
            {"id": name.rpartition(".")[0], "property": name.rpartition(".")[2]}
            for name in dependency["output"].strip(".").split("...")
        ]
        body = {
            "output": dependency["output"],
            "outputs": outputs if many else outputs[0],
            "inputs": filled(dependency["inputs"]),
            "state": filled(dependency["state"]),
            "changedPropIds": [triggered],
        }
        return self.client.post("/_dash-update-component", json=body)


def _outputs(output: str) -> set[str]:
    return {name.partition("@")[0] for name in output.strip(".").split("...")}


def _name(part: dict[str, Any]) -> str:
    return f"{part['id']}.{part['property']}"


@pytest.fixture
def own_application() -> None:
    """Asked for by tests of what an application keeps from one answer to the next: they get one of their own."""


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> FakeReader:
    """What the pages show: those of the application that stands, where the test has it, as if nobody had been here."""
    if "client" not in request.fixturenames or "own_application" in request.fixturenames:
        return trader()
    kept: FakeReader = request.getfixturevalue("standing")[1]
    vars(kept).clear()
    vars(kept).update(vars(trader()))
    return kept


@pytest.fixture
def tape() -> Iterator[Tape]:
    kept = Tape()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "_publish", kept.publish)
        yield kept


@pytest.fixture(scope="session")
def standing() -> Iterator[tuple[str, FakeReader]]:
    """An application that stands all the time, as to make one takes longer than most tests; and its tables."""
    tables = trader()
    with served(application.create_app(Settings(), reader=tables)) as at:
        yield at, tables


@pytest.fixture
def client(request: pytest.FixtureRequest, tables: FakeReader, tape: Tape) -> Iterator[httpx.Client]:
    """A client of the application; nothing is sent in earnest."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(market, "FRESH_SECONDS", 0)  # what a test changes is seen at once
        at, kept = request.getfixturevalue("standing")
        if tables is not kept:
            at = stack.enter_context(served(application.create_app(Settings(), reader=tables)))
        yield stack.enter_context(client_of(at))


@pytest.fixture
def page(client: httpx.Client) -> Page:
    return Page(client, client.get("/_dash-dependencies").json())
