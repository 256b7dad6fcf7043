"""The application with accounts and keys, and programs that use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from frontend import app as application
from frontend import gate, market
from frontend.api import market as api_market
from frontend.api import state
from frontend.api.rates import Buckets
from frontend.preview import Previews, starting
from riskcontrol.accounts.keys import Scope
from tests.frontend.accounts import House, house, people
from tests.frontend.conftest import Tape
from tests.frontend.fake import FakeReader, strategy
from tests.frontend.serving import client_of

DIP = {"name": "new", "ticker": "IBM", "cash": "5000", "buy": "price <= reference - 0.1"}
"""A strategy that can be posted."""
Program = Callable[..., httpx.Client]


def _with_one_that_waits() -> FakeReader:
    """Ann and bob, and a strategy of hers that waits for its first trade."""
    tables = people()
    tables.strategy_rows.append(strategy(ticker="BRK/B", name="fresh"))
    return tables


@pytest.fixture(scope="package")
def tape_of_all() -> Iterator[Tape]:
    kept = Tape()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "_publish", kept.publish)
        patch.setattr(market, "FRESH_SECONDS", 0)
        patch.setattr(gate, "FRESH_SECONDS", 0.0)
        for module in (gate, api_market):
            patch.setattr(module, "Buckets", lambda **limits: Buckets(rate=1e9, burst=1e9))
        patch.setattr(state, "ask_kafka", lambda settings: "answers")
        patch.setattr(Previews, "run", lambda self, job: starting(1, compiles=False))  # without a worker
        yield kept


@pytest.fixture(scope="package")
def house_of_all(tape_of_all: Tape) -> Iterator[House]:
    with house(_with_one_that_waits()) as one:
        yield one


@pytest.fixture
def tape(tape_of_all: Tape) -> Tape:
    """What reaches the tape."""
    tape_of_all.sent.clear()
    tape_of_all.away = False
    return tape_of_all


@pytest.fixture
def home(house_of_all: House, tape: Tape) -> Iterator[House]:
    """The application as it began, with tables that a test may change."""
    fresh = _with_one_that_waits()
    for name in FakeReader.__dataclass_fields__:
        setattr(house_of_all.tables, name, getattr(fresh, name))
    yield house_of_all
    house_of_all.store.held.clear()
    house_of_all.store.away = False


@pytest.fixture
def program(home: House) -> Iterator[Program]:
    """A maker of clients that have a key: of ann, which may write, unless told otherwise."""
    clients = []

    def make(username: str = "ann", scope: str = "write") -> httpx.Client:
        token, _ = home.entrance.accounts.keys.create(username, Scope(scope), now=home.clock.now)
        headers = {"authorization": f"Bearer {token}"}
        clients.append(client_of(f"{home.address}/api/v1", headers=headers))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def ann(program: Program) -> httpx.Client:
    """A program of ann's that may write."""
    return program()
